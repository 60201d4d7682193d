//! What a text tells about its statement.

use cqlstack_syntax::{Dialect, Facts, Statement, StatementKind, SyntaxError};

use super::warnings;

/// Whether it is never sent twice on anybody's word but the server's.
pub(crate) const fn is_never_idempotent(kind: StatementKind) -> bool {
    matches!(kind, StatementKind::Counter | StatementKind::Conditional)
}

/// Whether a timestamp of the client's orders it among other writes. Paxos has its ballot, counters
/// have none.
pub(crate) const fn takes_timestamp(kind: StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Write | StatementKind::MultiPartition | StatementKind::LoggedBatch
    )
}

/// Whether the driver may turn to another node by itself.
pub(crate) const fn fails_over(kind: StatementKind) -> bool {
    matches!(kind, StatementKind::Read | StatementKind::Write)
}

/// Whatever server it is for.
pub(crate) fn parse(text: &str) -> Result<Statement<'_>, SyntaxError> {
    Dialect::Any.parse(text)
}

/// Reads a text. Of what does not parse only the first word is known: the server decides the rest.
///
/// `made_at_run_time` says that the program put the text together, perhaps with values.
pub(super) fn read(text: &str, made_at_run_time: bool) -> Facts {
    let Ok(statement) = parse(text) else { return Facts::unread(text) };
    let facts = Facts::of(&statement);
    if made_at_run_time && statement.has_literal_in_where() {
        warnings::bind_the_literal(text, facts.label());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> Facts {
        read(text, false)
    }

    #[test]
    fn what_other_servers_add_is_read_and_what_nobody_knows_is_told_by_its_first_word() {
        let read = facts("SELECT a FROM t WHERE k = ? BYPASS CACHE USING TIMEOUT 50ms");
        assert_eq!(
            (read.kind, read.is_idempotent, read.label()),
            (StatementKind::Read, true, "SELECT t")
        );
        let write = facts("DELETE FROM t WHERE k = ? AND c BETWEEN 1 AND 2");
        assert_eq!((write.kind, write.is_idempotent), (StatementKind::Write, true));
        let schema = facts("CREATE SERVICE LEVEL fast WITH shares = 5");
        assert_eq!((schema.kind, schema.label()), (StatementKind::Schema, "CREATE"));
        let unknown = facts("EXPLAIN SELECT a FROM t");
        assert_eq!((unknown.kind, unknown.is_idempotent), (StatementKind::Other, false));
    }

    #[test]
    fn the_table_is_called_as_in_the_schema() {
        let tables = |text| {
            let facts = facts(text);
            let owned = |(keyspace, name): (Option<&str>, &str)| {
                (keyspace.map(str::to_owned), name.to_owned())
            };
            facts.tables().map(owned).collect::<Vec<_>>()
        };
        let table =
            |keyspace: Option<&str>, name: &str| (keyspace.map(str::to_owned), name.to_owned());
        assert_eq!(tables("UPDATE Users SET a = 1 WHERE k = 1"), [table(None, "users")]);
        let quoted = tables("DELETE FROM App.\"Users\" WHERE k = 1");
        assert_eq!(quoted, [table(Some("app"), "Users")]);
        assert!(tables("USE app").is_empty());
        let batch =
            "BEGIN BATCH DELETE FROM a WHERE k = 1; DELETE FROM ks.b WHERE k = 1; APPLY BATCH";
        assert_eq!(tables(batch), [table(None, "a"), table(Some("ks"), "b")]);
    }

    #[test]
    fn of_a_text_that_does_not_parse_nothing_is_known() {
        for text in ["", "secret", "UPDATE t SET a = 1", "SELECT a FROM t WHERE k = 'secret"] {
            let facts = facts(text);
            assert_eq!((facts.kind, facts.is_idempotent), (StatementKind::Other, false));
            assert!(facts.tables().count() == 0 && facts.several().len() == 0);
            assert_eq!(facts.label(), "unrecognised");
        }
    }

    #[test]
    fn a_list_is_told_by_the_schema_and_else_by_its_looks() {
        let insert = "INSERT INTO t (k, l) VALUES (1, [2])";
        let named_l = |column: Option<&str>| Some(column.is_none_or(|column| column == "l"));
        let unknown = |_: Option<&str>| None;
        for (text, known, by_looks) in [
            (insert, true, true),
            ("INSERT INTO t (k, v) VALUES (1, [2])", false, true),
            ("UPDATE t SET l = ? WHERE k = 1", true, false),
            ("UPDATE t SET l = l - [1], l[2] = 1 WHERE k = 1", false, false),
            ("INSERT INTO t JSON ?", true, true),
            ("DELETE l FROM t WHERE k = 1", false, false),
            (
                "BEGIN BATCH DELETE FROM t WHERE k = 1; UPDATE t SET l = ? WHERE k = 1; APPLY BATCH",
                true,
                false,
            ),
        ] {
            assert_eq!(facts(text).overwrites_list(named_l), known, "{text}");
            assert_eq!(facts(text).overwrites_list(unknown), by_looks, "{text}");
        }
    }

    #[test]
    fn the_columns_that_make_it_several_partitions_are_kept() {
        let delete = facts("DELETE FROM t WHERE \"K\" IN ? AND c IN (1, 2) AND d = 1");
        assert_eq!(delete.several().collect::<Vec<_>>(), ["K", "c"]);
        let batch = "BEGIN UNLOGGED BATCH DELETE FROM t WHERE k = 1 AND c IN ?; APPLY BATCH";
        assert_eq!(facts(batch).several().len(), 0);
    }
}
