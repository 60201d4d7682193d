//! What a text tells about its statement.

use cqlstack_syntax::{
    Dialect, Keyword, Operator, Overwrite, Statement, StatementKind, SyntaxError, TermKind, verb,
};

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

/// What the text alone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: StatementKind,
    pub(super) idempotent: bool,
    /// `SELECT app.users`: no literal, few different ones.
    pub(super) name: String,
    pub(super) form: Form,
    /// Whether the last `USE` decides what it is about.
    pub(super) depends_on_use: bool,
    /// The tables that it reads or writes.
    pub(super) tables: Vec<Table>,
    /// The columns with `IN` for which it may write to several partitions.
    pub(super) several: Vec<String>,
}

impl Facts {
    /// Of a batch that is no text.
    pub(super) fn of_batch(kind: StatementKind, idempotent: bool) -> Self {
        let (name, tables, several) = (String::new(), Vec::new(), Vec::new());
        let (form, depends_on_use) = (Form::Batch, false);
        Self { kind, idempotent, name, form, depends_on_use, tables, several }
    }
}

/// What a text is, as far as that decides what may stand in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Insert,
    /// `UPDATE`, `DELETE`
    Change,
    Batch,
    Use,
    Other,
    /// The parser does not understand it.
    Unread,
}

impl Form {
    fn of(statement: &Statement<'_>) -> Self {
        match statement {
            Statement::Insert(_) => Self::Insert,
            Statement::Update(_) | Statement::Delete(_) => Self::Change,
            Statement::Batch(_) => Self::Batch,
            Statement::Use(_) => Self::Use,
            _ => Self::Other,
        }
    }
}

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) keyspace: Option<String>,
    pub(crate) name: String,
}

/// Whatever server it is for.
pub(crate) fn parse(text: &str) -> Result<Statement<'_>, SyntaxError> {
    Dialect::Any.parse(text)
}

/// Reads a text. Of what does not parse only the first word is known: the server decides what it is.
///
/// `made_at_run_time` says that the program put the text together, perhaps with values.
pub(super) fn read(text: &str, made_at_run_time: bool) -> Facts {
    let Ok(statement) = parse(text) else {
        let verb = verb(text);
        let (kind, name) = match verb {
            Some(verb @ (Keyword::Create | Keyword::Alter | Keyword::Drop)) => {
                (StatementKind::Schema, verb.as_str().to_owned())
            }
            _ => (StatementKind::Other, "unrecognised".to_owned()),
        };
        let form = if verb == Some(Keyword::Use) { Form::Use } else { Form::Unread };
        let (idempotent, depends_on_use) = (false, true);
        let (tables, several) = (Vec::new(), Vec::new());
        return Facts { kind, idempotent, name, form, depends_on_use, tables, several };
    };
    let (idempotent, name) = (statement.is_idempotent(), statement.label());
    if made_at_run_time && statement.has_literal_in_where() {
        warnings::bind_the_literal(text, &name);
    }
    let kind = statement.kind();
    let tables = statement.tables().into_iter().map(|table| Table {
        keyspace: table.keyspace.map(|name| name.resolved().into_owned()),
        name: table.name.resolved().into_owned(),
    });
    let tables = tables.collect();
    let several = match kind {
        StatementKind::MultiPartition | StatementKind::Counter => columns_with_in(&statement),
        _ => Vec::new(),
    };
    let (form, depends_on_use) = (Form::of(&statement), statement.depends_on_use());
    Facts { kind, idempotent, name, form, depends_on_use, tables, several }
}

/// Whether it writes a list anew. `is_list` tells of a column, or of any column of the table, whether
/// it is one that is not frozen; where it does not know, what looks like a list is one.
pub(super) fn overwrites_list(text: &str, is_list: impl Fn(Option<&str>) -> Option<bool>) -> bool {
    parse(text).is_ok_and(|statement| {
        statement.overwrites().iter().any(|overwrite| match overwrite {
            Overwrite::Column(column, value) => is_list(Some(&column.resolved()))
                .unwrap_or_else(|| matches!(value.without_parentheses().kind, TermKind::List(_))),
            // Of a whole row.
            _ => is_list(None).unwrap_or(true),
        })
    })
}

/// None for a batch, which is several partitions by its statements.
fn columns_with_in(statement: &Statement<'_>) -> Vec<String> {
    if matches!(statement, Statement::Batch(_)) {
        return Vec::new();
    }
    let restrictions = statement.restrictions();
    let with_in = restrictions.iter().filter(|restriction| restriction.operator == Operator::In);
    with_in.map(|restriction| restriction.column.resolved().into_owned()).collect()
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
            (read.kind, read.idempotent, &*read.name),
            (StatementKind::Read, true, "SELECT t")
        );
        let write = facts("DELETE FROM t WHERE k = ? AND c BETWEEN 1 AND 2");
        assert_eq!((write.kind, write.idempotent), (StatementKind::Write, true));
        let schema = facts("CREATE SERVICE LEVEL fast WITH shares = 5");
        assert_eq!((schema.kind, &*schema.name), (StatementKind::Schema, "CREATE"));
        let unknown = facts("EXPLAIN SELECT a FROM t");
        assert_eq!((unknown.kind, unknown.idempotent), (StatementKind::Other, false));
    }

    #[test]
    fn the_table_is_called_as_in_the_schema() {
        let table = |keyspace: Option<&str>, name: &str| Table {
            keyspace: keyspace.map(str::to_owned),
            name: name.to_owned(),
        };
        assert_eq!(facts("UPDATE Users SET a = 1 WHERE k = 1").tables, [table(None, "users")]);
        let quoted = facts("DELETE FROM App.\"Users\" WHERE k = 1");
        assert_eq!(quoted.tables, [table(Some("app"), "Users")]);
        assert_eq!(facts("USE app").tables, []);
        let batch =
            "BEGIN BATCH DELETE FROM a WHERE k = 1; DELETE FROM ks.b WHERE k = 1; APPLY BATCH";
        assert_eq!(facts(batch).tables, [table(None, "a"), table(Some("ks"), "b")]);
    }

    #[test]
    fn of_a_text_that_does_not_parse_nothing_is_known() {
        for text in ["", "secret", "UPDATE t SET a = 1", "SELECT a FROM t WHERE k = 'secret"] {
            let Facts { kind, idempotent, name, tables, several, .. } = facts(text);
            assert_eq!(
                (kind, idempotent, tables, several),
                (StatementKind::Other, false, vec![], vec![])
            );
            assert_eq!(name, "unrecognised");
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
            assert_eq!(overwrites_list(text, named_l), known, "{text}");
            assert_eq!(overwrites_list(text, unknown), by_looks, "{text}");
        }
    }

    #[test]
    fn the_columns_that_make_it_several_partitions_are_kept() {
        assert_eq!(
            facts("DELETE FROM t WHERE \"K\" IN ? AND c IN (1, 2) AND d = 1").several,
            ["K", "c"]
        );
        let batch = "BEGIN UNLOGGED BATCH DELETE FROM t WHERE k = 1 AND c IN ?; APPLY BATCH";
        assert!(facts(batch).several.is_empty());
    }
}
