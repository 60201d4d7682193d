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
}

/// Reads a statement's keywords; a complete parser is to stand here.
///
/// It errs on the careful side: `IN` anywhere in a write counts as several partitions, and what
/// does not begin like CQL is [`StatementKind::Other`].
pub(super) fn classify(text: &str) -> Facts {
    let mut words = Words::new(text);
    let Some(first) = words.next() else {
        return Facts { kind: StatementKind::Other, name: "unrecognised".to_owned() };
    };
    let verb = first.to_ascii_uppercase();
    let (kind, table_after): (StatementKind, &[&str]) = match verb.as_str() {
        "SELECT" => (StatementKind::Read, &["FROM"]),
        "INSERT" => (StatementKind::Write, &["INTO"]),
        "UPDATE" => (StatementKind::Write, &[]),
        "DELETE" => (StatementKind::Write, &["FROM"]),
        "BEGIN" => return Facts { kind: batch(words), name: "BATCH".to_owned() },
        "CREATE" | "ALTER" | "DROP" => {
            return Facts { kind: StatementKind::Schema, name: verb };
        }
        "TRUNCATE" | "USE" | "GRANT" | "REVOKE" | "LIST" | "DESCRIBE" | "DESC" => {
            return Facts { kind: StatementKind::Other, name: verb };
        }
        _ => return Facts { kind: StatementKind::Other, name: "unrecognised".to_owned() },
    };
    let name = match table(words.clone(), table_after) {
        Some(table) => format!("{verb} {table}"),
        None => verb,
    };
    let kind = match kind {
        StatementKind::Write if words.clone().any(|word| word.eq_ignore_ascii_case("IF")) => {
            StatementKind::Conditional
        }
        StatementKind::Write if words.any(|word| word.eq_ignore_ascii_case("IN")) => {
            StatementKind::MultiPartition
        }
        kind => kind,
    };
    Facts { kind, name }
}

fn batch(mut words: Words<'_>) -> StatementKind {
    let logged = match words.next() {
        Some(word) if word.eq_ignore_ascii_case("UNLOGGED") => StatementKind::MultiPartition,
        Some(word) if word.eq_ignore_ascii_case("COUNTER") => return StatementKind::Counter,
        _ => StatementKind::LoggedBatch,
    };
    if words.any(|word| word.eq_ignore_ascii_case("IF")) {
        StatementKind::Conditional
    } else {
        logged
    }
}

/// The table's name as written, with its keyspace; it follows one of the keywords, or comes first.
fn table(mut words: Words<'_>, after: &[&str]) -> Option<String> {
    if !after.is_empty() {
        words.find(|word| after.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)))?;
    }
    let first = words.next().filter(|word| is_name(word))?;
    let mut rest = words;
    match (rest.next(), rest.next()) {
        (Some("."), Some(table)) if is_name(table) => Some(format!("{first}.{table}")),
        _ => Some(first.to_owned()),
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
