//! Literals as Cassandra stores them.

use cqlstack_syntax::{Keyword, LiteralKind};
use uuid::Uuid;

use crate::session::Shape;

/// What a literal becomes in a column of this type, if it is of one of the types that keys mostly have; else nobody
/// but the server knows.
pub(crate) fn bytes(kind: LiteralKind, written: &str, column: Shape) -> Option<Vec<u8>> {
    use Keyword::{
        Ascii, Bigint, Blob, Boolean, Int, Smallint, Text, Timeuuid, Tinyint, Uuid as UuidType,
    };
    let Shape::Native(column) = column else { return None };
    Some(match (kind, column) {
        (LiteralKind::String, Text | Ascii) => string(written)?.into_bytes(),
        (LiteralKind::Integer, Tinyint) => written.parse::<i8>().ok()?.to_be_bytes().into(),
        (LiteralKind::Integer, Smallint) => written.parse::<i16>().ok()?.to_be_bytes().into(),
        (LiteralKind::Integer, Int) => written.parse::<i32>().ok()?.to_be_bytes().into(),
        (LiteralKind::Integer, Bigint) => written.parse::<i64>().ok()?.to_be_bytes().into(),
        (LiteralKind::Boolean, Boolean) => vec![u8::from(written.eq_ignore_ascii_case("true"))],
        (LiteralKind::Uuid, UuidType | Timeuuid) => {
            Uuid::parse_str(written).ok()?.as_bytes().into()
        }
        (LiteralKind::Blob, Blob) => hex(written.get(2..)?)?,
        _ => return None,
    })
}

fn string(written: &str) -> Option<String> {
    if let Some(text) = written.strip_prefix("$$") {
        return Some(text.strip_suffix("$$")?.to_owned());
    }
    Some(written.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| pairs.map(byte).collect()).flatten()
}

#[cfg(test)]
mod tests {
    use cqlstack_syntax::{Facts, GivenValue, parse};

    use super::*;

    fn stored(literal: &str, column: Keyword) -> Option<Vec<u8>> {
        let text = format!("DELETE FROM t WHERE k = {literal}");
        match Facts::of(&parse(&text).unwrap()).given().next().unwrap().1 {
            GivenValue::Literal(kind, written) => bytes(kind, written, Shape::Native(column)),
            _ => None,
        }
    }

    #[test]
    fn literals_are_what_the_server_makes_of_them() {
        use Keyword::{Bigint, Blob, Boolean, Int, Smallint, Text, Tinyint, Uuid};
        assert_eq!(stored("1", Int), Some(vec![0, 0, 0, 1]));
        assert_eq!(stored("-1", Int), Some(vec![255; 4]));
        assert_eq!(stored("(1)", Bigint), Some(vec![0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(
            (stored("2", Smallint), stored("3", Tinyint)),
            (Some(vec![0, 2]), Some(vec![3]))
        );
        assert_eq!(stored("'it''s'", Text), Some(b"it's".to_vec()));
        assert_eq!(
            (stored("$$a'b$$", Text), stored("''", Text)),
            (Some(b"a'b".to_vec()), Some(vec![]))
        );
        assert_eq!(
            (stored("True", Boolean), stored("false", Boolean)),
            (Some(vec![1]), Some(vec![0]))
        );
        assert_eq!(stored("0xCAfe", Blob), Some(vec![0xCA, 0xFE]));
        assert_eq!(stored("0x", Blob), Some(vec![]));
        let uuid = stored("123e4567-E89B-12d3-a456-426614174000", Uuid).unwrap();
        assert_eq!((uuid.len(), uuid[0]), (16, 0x12));
    }

    #[test]
    fn what_is_of_another_type_or_no_literal_is_left_to_the_server() {
        use Keyword::{Float, Int, Text, Timestamp};
        for (literal, column) in [
            ("3000000000", Int),
            ("'1'", Int),
            ("1", Text),
            ("1", Float),
            ("'2024-01-01'", Timestamp),
            ("now()", Int),
            ("?", Int),
            ("(int) 1", Int),
        ] {
            assert_eq!(stored(literal, column), None, "{literal}");
        }
    }
}
