//! Values of a statement, made up anew for each request.

use std::str::FromStr;

use scylla::value::{CqlTimestamp, CqlValue};

/// How one value is made, as the command line says it: `uuid`, `int:1000`, `text:100`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spec {
    kind: Kind,
    /// How many different ones, or how long.
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Uuid,
    Int,
    Bigint,
    Double,
    Boolean,
    Timestamp,
    Text,
    Blob,
}

/// For the help.
pub(crate) const KINDS: &str = "uuid[:N], int[:N], bigint[:N], timestamp[:N] (N different ones), \
                                double, boolean, text[:LENGTH], blob[:LENGTH]";

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = text.split_once(':').map_or((text, None), |(n, x)| (n, Some(x)));
        let wrong = || format!("`{text}` is none of {KINDS}");
        let (kind, default, most) = match name {
            "uuid" => (Kind::Uuid, u64::MAX, u64::MAX),
            "int" => (Kind::Int, 1 << 31, 1 << 31),
            "bigint" => (Kind::Bigint, 1 << 63, 1 << 63),
            "timestamp" => (Kind::Timestamp, 1 << 40, 1 << 40),
            "double" => (Kind::Double, 1, 1),
            "boolean" => (Kind::Boolean, 1, 1),
            "text" => (Kind::Text, 10, 16 << 20),
            "blob" => (Kind::Blob, 10, 16 << 20),
            _ => return Err(wrong()),
        };
        let number = number.map_or(Ok(default), str::parse).map_err(|_| wrong())?;
        if number == 0 || number > most {
            return Err(format!("`{text}`: give 1 to {most}"));
        }
        Ok(Self { kind, number })
    }
}

impl Spec {
    pub(crate) fn make(self, random: &mut fastrand::Rng) -> CqlValue {
        let one_of = |random: &mut fastrand::Rng| random.u64(..self.number);
        let length = usize::try_from(self.number).unwrap_or(usize::MAX);
        match self.kind {
            // The same few each time, if there are few, spread over all nodes.
            Kind::Uuid => {
                let mut seeded = fastrand::Rng::with_seed(one_of(random));
                CqlValue::Uuid(
                    uuid::Builder::from_random_bytes(seeded.u128(..).to_be_bytes()).into_uuid(),
                )
            }
            Kind::Int => CqlValue::Int(i32::try_from(one_of(random)).unwrap_or(0)),
            Kind::Bigint => CqlValue::BigInt(i64::try_from(one_of(random)).unwrap_or(0)),
            Kind::Timestamp => {
                CqlValue::Timestamp(CqlTimestamp(i64::try_from(one_of(random)).unwrap_or(0)))
            }
            Kind::Double => CqlValue::Double(random.f64()),
            Kind::Boolean => CqlValue::Boolean(random.bool()),
            Kind::Text => CqlValue::Text((0..length).map(|_| random.alphanumeric()).collect()),
            Kind::Blob => {
                let mut bytes = vec![0; length];
                random.fill(&mut bytes);
                CqlValue::Blob(bytes)
            }
        }
    }
}

/// All values of one statement: `uuid,int,text:100`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Specs(Vec<Spec>);

impl FromStr for Specs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Specs {
    pub(crate) fn make(&self, random: &mut fastrand::Rng) -> Vec<CqlValue> {
        self.0.iter().map(|spec| spec.make(random)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn specs(text: &str) -> Specs {
        text.parse().unwrap()
    }

    #[test]
    fn each_value_is_of_its_kind_and_length() {
        let values = specs("uuid, int:5,text:100,blob:3,boolean").make(&mut fastrand::Rng::new());
        assert_eq!(values.len(), 5);
        assert!(values[0].as_uuid().is_some());
        assert!((0..5).contains(&values[1].as_int().unwrap()));
        assert_eq!(values[2].as_text().unwrap().len(), 100);
        assert_eq!(values[3].as_blob().unwrap().len(), 3);
        assert!(specs("").make(&mut fastrand::Rng::new()).is_empty());
    }

    #[test]
    fn so_many_different_ones_and_no_more() {
        let mut random = fastrand::Rng::with_seed(1);
        for spec in ["uuid:7", "int:7", "bigint:7", "timestamp:7"] {
            let made = (0..1_000).map(|_| format!("{:?}", specs(spec).make(&mut random)));
            assert_eq!(made.collect::<HashSet<_>>().len(), 7, "{spec}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        for wrong in ["uid", "int:0", "int:x", "int:3000000000", "text:99999999999", "text:-1", ":"]
        {
            assert!(wrong.parse::<Specs>().is_err(), "{wrong}");
        }
    }
}
