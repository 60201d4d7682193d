//! What a text tells about its statement, read from its keywords.

use super::words::Words;

/// What a statement does, as far as "may it have been applied?" and "may it be sent twice?" depend
/// on it. These are columns of the table of [`ErrorClass`](crate::ErrorClass).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// A read. At a serial consistency level it is a serial read.
    Read,
    /// An unconditional write to one partition.
    Write,
    /// A write to several partitions without a batch log: an UNLOGGED batch, `IN` on the key.
    MultiPartition,
    /// A LOGGED batch.
    LoggedBatch,
    /// A counter update, alone or in a batch. The text of a single one does not tell; a statement
    /// becomes one when it is first prepared and its column turns out to be a counter.
    Counter,
    /// A lightweight transaction (`IF ...`).
    Conditional,
    /// A change of the schema or of roles: `CREATE`, `ALTER`, `DROP`.
    Schema,
    /// Everything else, among it what is not understood: `TRUNCATE`, `USE`, permissions.
    Other,
}

impl StatementKind {
    /// A short name, fit for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::MultiPartition => "multi_partition",
            Self::LoggedBatch => "logged_batch",
            Self::Counter => "counter",
            Self::Conditional => "conditional",
            Self::Schema => "schema",
            Self::Other => "other",
        }
    }

    /// Whether it is never sent twice on anybody's word but the server's.
    pub(crate) const fn is_never_idempotent(self) -> bool {
        matches!(self, Self::Counter | Self::Conditional)
    }

    /// Whether a timestamp of the client's orders it among other writes. Paxos has its ballot,
    /// counters have none.
    pub(crate) const fn takes_timestamp(self) -> bool {
        matches!(self, Self::Write | Self::MultiPartition | Self::LoggedBatch)
    }

    /// Whether the driver may turn to another node by itself.
    pub(crate) const fn fails_over(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }
}

/// What the text alone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) kind: StatementKind,
    /// `SELECT app.users`: no literal, few different ones.
    pub(super) name: String,
    /// What it reads or writes, where the text names one table.
    pub(super) table: Option<Table>,
}

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) keyspace: Option<String>,
    pub(crate) name: String,
}

/// Reads a statement's keywords; a complete parser is to stand here.
///
/// It errs on the careful side: `IN` anywhere in a write counts as several partitions, and what
/// does not begin like CQL is [`StatementKind::Other`].
pub(super) fn classify(text: &str) -> Facts {
    let mut words = Words::new(text);
    let verb = words.next().unwrap_or_default().to_ascii_uppercase();
    let (kind, before_table): (StatementKind, Option<&str>) = match verb.as_str() {
        "SELECT" => (StatementKind::Read, Some("FROM")),
        "INSERT" => (write(words.clone()), Some("INTO")),
        "UPDATE" => (write(words.clone()), None),
        "DELETE" => (write(words.clone()), Some("FROM")),
        "BEGIN" => return Facts { kind: batch(words), name: "BATCH".to_owned(), table: None },
        "CREATE" | "ALTER" | "DROP" => {
            return Facts { kind: StatementKind::Schema, name: verb, table: None };
        }
        "TRUNCATE" | "USE" | "GRANT" | "REVOKE" | "LIST" | "DESCRIBE" | "DESC" => {
            return Facts { kind: StatementKind::Other, name: verb, table: None };
        }
        _ => {
            let name = "unrecognised".to_owned();
            return Facts { kind: StatementKind::Other, name, table: None };
        }
    };
    let [keyspace, table] = table(words, before_table);
    let name = match (keyspace, table) {
        (Some(keyspace), Some(table)) => format!("{verb} {keyspace}.{table}"),
        (None, Some(table)) => format!("{verb} {table}"),
        (_, None) => verb,
    };
    let table =
        table.map(|table| Table { keyspace: keyspace.map(unquoted), name: unquoted(table) });
    Facts { kind, name, table }
}

fn write(words: Words<'_>) -> StatementKind {
    if has(words.clone(), "IF") {
        StatementKind::Conditional
    } else if has(words, "IN") {
        StatementKind::MultiPartition
    } else {
        StatementKind::Write
    }
}

fn has(mut words: Words<'_>, keyword: &str) -> bool {
    words.any(|word| word.eq_ignore_ascii_case(keyword))
}

fn batch(mut words: Words<'_>) -> StatementKind {
    let logged = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("UNLOGGED") => StatementKind::MultiPartition,
        Some(word) if word.eq_ignore_ascii_case("COUNTER") => return StatementKind::Counter,
        _ => StatementKind::LoggedBatch,
    };
    if has(words, "IF") { StatementKind::Conditional } else { logged }
}

/// Keyspace and table as written; they follow the keyword, or come first.
fn table<'t>(mut words: Words<'t>, after: Option<&str>) -> [Option<&'t str>; 2] {
    if let Some(keyword) = after {
        words.find(|word| word.eq_ignore_ascii_case(keyword));
    }
    let Some(first) = words.next().filter(|word| is_name(word)) else { return [None, None] };
    match (words.next(), words.next()) {
        (Some("."), Some(table)) if is_name(table) => [Some(first), Some(table)],
        _ => [None, Some(first)],
    }
}

/// Without quotes a name is in small letters, whatever the text has.
fn unquoted(name: &str) -> String {
    match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
        Some(quoted) => quoted.to_owned(),
        None => name.to_ascii_lowercase(),
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '"')
}

#[cfg(test)]
mod tests {
    use super::StatementKind::{
        Conditional, Counter, LoggedBatch, MultiPartition, Other, Read, Schema, Write,
    };
    use super::*;

    #[test]
    fn the_first_keywords_tell_the_kind() {
        for (text, kind) in [
            ("SELECT a FROM t WHERE k IN (1, 2)", Read),
            ("select json * from t", Read),
            ("INSERT INTO t (k) VALUES (?)", Write),
            ("INSERT INTO t (k) VALUES (?) IF NOT EXISTS", Conditional),
            ("UPDATE t SET a = ? WHERE k = ? if a = ?", Conditional),
            ("DELETE FROM t WHERE k IN ?", MultiPartition),
            ("UPDATE t SET v = 'IF' WHERE k = 1", Write),
            ("UPDATE t SET v = $$ IN $$ WHERE k = 1", Write),
            ("UPDATE t SET \"IF\" = 1 WHERE k = 1", Write),
            ("BEGIN BATCH INSERT INTO t (k) VALUES (1); APPLY BATCH", LoggedBatch),
            ("begin unlogged batch INSERT INTO t (k) VALUES (1); APPLY BATCH", MultiPartition),
            ("BEGIN COUNTER BATCH UPDATE t SET n = n + 1 WHERE k = 1; APPLY BATCH", Counter),
            ("BEGIN BATCH DELETE FROM t WHERE k = 1 IF EXISTS; APPLY BATCH", Conditional),
            ("CREATE TABLE IF NOT EXISTS t (k int PRIMARY KEY)", Schema),
            ("ALTER ROLE a WITH PASSWORD = 'secret'", Schema),
            ("TRUNCATE t", Other),
            ("USE ks", Other),
            ("FROBNICATE", Other),
            ("", Other),
            ("-- SELECT\n /* INSERT */ // DELETE\n UPDATE t SET a = 1 WHERE k = 1", Write),
        ] {
            assert_eq!(classify(text).kind, kind, "{text}");
        }
    }

    #[test]
    fn the_table_is_called_as_in_the_schema() {
        let table = |keyspace: Option<&str>, name: &str| {
            Some(Table { keyspace: keyspace.map(str::to_owned), name: name.to_owned() })
        };
        assert_eq!(classify("UPDATE Users SET a = 1").table, table(None, "users"));
        let quoted = classify("DELETE FROM App.\"Users\" WHERE k = 1");
        assert_eq!(quoted.table, table(Some("app"), "Users"));
        assert_eq!(classify("SELECT 1").table, None);
        assert_eq!(classify("UPDATE").table, None);
    }

    #[test]
    fn the_name_is_the_verb_and_the_table_and_holds_no_literal() {
        for (text, name) in [
            ("SELECT a, b FROM app.users WHERE id = 7", "SELECT app.users"),
            ("INSERT INTO users (id, name) VALUES (7, 'secret')", "INSERT users"),
            ("update App . Users set name = 'secret' where id = 7", "UPDATE App.Users"),
            ("DELETE name FROM \"App\".users WHERE id = 7", "DELETE \"App\".users"),
            ("SELECT 'secret'", "SELECT"),
            ("UPDATE 'secret' SET a = 1", "UPDATE"),
            ("BEGIN BATCH INSERT INTO a (b) VALUES ('secret'); APPLY BATCH", "BATCH"),
            ("ALTER ROLE ada WITH PASSWORD = 'secret'", "ALTER"),
            ("secret", "unrecognised"),
        ] {
            assert_eq!(classify(text).name, name, "{text}");
        }
    }
}
