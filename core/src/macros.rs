//! What the code that `cql!` generates names. No part of the public interface: `emit.rs` of `cqlstack-macros` and this
//! file change together. Variants of two enums that share a name have another one here: a `use` of all of them stands in
//! the generated block.

use std::borrow::Cow;
pub use std::option::Option::{None, Some};

pub use cqlstack_macros::{cql, query, query_as};
pub use cqlstack_syntax::Effect::{self, Bound, List, Part, Removed, Value};
pub use cqlstack_syntax::Form::{self, Batch, Change, Insert, Other as Plain, Unread, Use};
pub use cqlstack_syntax::GivenValue::{self, Computed, Literal, Marker};
pub use cqlstack_syntax::LiteralKind;
pub use cqlstack_syntax::MarkerTarget::{
    self, Column, Element, Field, Fixed, In, Key, Other as Free, Part as Piece,
};
pub use cqlstack_syntax::RowLimit::{self, Marker as LimitMarker, Rows};
pub use cqlstack_syntax::StatementKind::{
    self, Conditional, Counter, LoggedBatch, MultiPartition, Other, Read, Schema, Write,
};
pub use cqlstack_syntax::{Dialect, Facts};
use cqlstack_syntax::{Lists, Names};

use crate::statement::StaticStatement;

/// The statement. `flags` has, from the lowest bit: idempotent, depends on `USE`, writes JSON, limits reads, scans.
/// The lists are those of [`Lists`], in its order.
#[must_use]
#[expect(clippy::too_many_arguments, reason = "one call without paths is what compiles fastest")]
pub const fn s(
    text: &'static str,
    kind: StatementKind,
    form: Form,
    flags: u8,
    label: &'static str,
    names: &'static [&'static str],
    tables: &'static [(Option<u32>, u32)],
    several: &'static [u32],
    given: &'static [(u32, GivenValue)],
    written: &'static [(u32, Effect)],
    markers: &'static [MarkerTarget],
    equal: &'static [u32],
    limit: Option<RowLimit>,
) -> StaticStatement {
    let lists = Lists {
        names: Names::Given(names),
        tables: Cow::Borrowed(tables),
        several: Cow::Borrowed(several),
        given: Cow::Borrowed(given),
        written: Cow::Borrowed(written),
        markers: Cow::Borrowed(markers),
        equal: Cow::Borrowed(equal),
        limit,
    };
    let mut facts = Facts::given_as(kind, form, label, lists);
    facts.is_idempotent = flags & 1 != 0;
    facts.depends_on_use = flags & 2 != 0;
    facts.writes_json = flags & 4 != 0;
    facts.limits_reads = flags & 8 != 0;
    facts.scans = flags & 16 != 0;
    StaticStatement::with_facts(text, facts)
}

/// What the code of `query!` names, beside what is public.
pub mod q {
    pub use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
    pub use std::net::IpAddr;
    pub use std::option::Option;
    pub use std::string::String;
    pub use std::vec::Vec;

    pub use scylla::deserialize::DeserializationError;
    pub use scylla::frame::response::result::NativeType;

    pub use crate::query::*;
    pub use crate::request::Request;
    pub use crate::value::*;
}

/// What the macro has read, for tests that compare it with what the parser reads at run time.
#[must_use]
pub fn facts(statement: &StaticStatement) -> &Facts {
    statement.facts()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cql;

    /// Compares what the macro wrote with what is read of the same text at run time.
    macro_rules! agree {
        ($($text:literal)+) => {
            $({
                let read = StaticStatement::new($text);
                let checked = cql!(
                    $text,
                    schema = "src/macros.cql",
                    dialect = Any,
                    keyspace = "ks",
                    allow(
                        scan, filtering, partition_in, refused_when_executed, marker_in_literal, mixed_markers,
                        unknown_function
                    )
                );
                assert_eq!(facts(checked), facts(&read), "{}", $text);
            })+
        };
    }

    #[test]
    fn what_the_macro_reads_is_what_is_read_at_run_time() {
        agree! {
            "SELECT v FROM ks.t WHERE k = ?"
            "SELECT v FROM t WHERE k = ? LIMIT ?"
            "SELECT JSON v, count(*) FROM T WHERE K IN ? AND c = :c PER PARTITION LIMIT 5 ALLOW FILTERING"
            "SELECT v FROM ks.t WHERE k = ? AND c = 5 AND d = ? LIMIT 20"
            "SELECT count(*), max(v) FROM t WHERE k = ? AND (c, d) = (?, ?) LIMIT 1"
            "SELECT v FROM t WHERE k = ? BYPASS CACHE USING TIMEOUT 50ms"
            "SELECT v FROM t WHERE k = ? AND c BETWEEN ? AND 5"
            "SELECT \"Quoted\", \"it\"\"s\" FROM \"Names\" WHERE \"K\" = 'it''s' AND token(\"K\") > ?"
            "SELECT v FROM t WHERE k = ? AND (c, d) > (?, ?) AND (c, d) < ?"
            "SELECT v FROM t WHERE k = ? AND (c, d) IN ? AND m[?] = ? AND m CONTAINS ? AND m CONTAINS KEY ? ALLOW FILTERING"
            "INSERT INTO texts (k, c, d, v) VALUES (?, 5, (?), 'text')"
            "INSERT INTO others (k, c, d, l) VALUES (true, 1.5, 0xCAFE, [1, 2])"
            "INSERT INTO times (k, c, d, v) VALUES (123e4567-e89b-12d3-a456-426614174000, 1h30m, $$a'b$$, null)"
            "INSERT INTO t (k, c, d, v) VALUES (now(), f(?), -1, (int) ?) USING TTL ? AND TIMESTAMP ?"
            "INSERT INTO t (k, c, d) VALUES (?, ?, ?) IF NOT EXISTS"
            "INSERT INTO t JSON ?"
            "UPDATE t SET v = ?, l = [1], m = m + ?, s = 5 WHERE k = ? AND c = ? AND d = ?"
            "UPDATE t SET l[?] = ?, m['a'] = ?, u.f = ?, v = ? WHERE k = ? AND c = 1 AND d = 2"
            "UPDATE t SET v = ? WHERE k IN (?, ?) AND c IN ? AND d = 1"
            "UPDATE t SET v = ? WHERE k = ? AND c = ? AND d = ? IF v = ? AND m[?] IN ?"
            "UPDATE counts SET n = n + ? WHERE k = ?"
            "UPDATE counts SET n = n + 1 WHERE k IN ?"
            "DELETE FROM t WHERE k = ?"
            "DELETE v, l[?], u.f FROM t USING TIMESTAMP ? WHERE k = ? AND c = ? AND d = ?"
            "DELETE FROM t WHERE k = ? AND c = ? AND d = ? IF EXISTS"
            "BEGIN BATCH USING TIMESTAMP ? INSERT INTO t JSON ?; UPDATE ks.t SET l = ? WHERE k = 1 AND c = 1 AND d = 1; APPLY BATCH"
            "BEGIN UNLOGGED BATCH DELETE FROM t WHERE k = 1; DELETE v FROM t WHERE k = 2 AND c = 1 AND d = 1; APPLY BATCH"
            "BEGIN COUNTER BATCH UPDATE counts SET n = n - 1 WHERE k = ?; APPLY BATCH"
            "TRUNCATE t"
            "USE ks"
            "CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)"
            "ALTER TABLE ks.t ADD later int"
            "DROP TABLE IF EXISTS gone"
            "GRANT SELECT ON KEYSPACE ks TO reader"
            "LIST ROLES"
            "DESCRIBE TABLES"
            "SELECT key FROM system.local"
        }
    }
}
