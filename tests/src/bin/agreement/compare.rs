//! One text, two parsers.

use cqlstack_syntax::{InsertRow, Statement, parse};

/// What this crate makes of a text, as the oracle puts it; none where it does not read so far.
pub(crate) fn ours(text: &str) -> Option<String> {
    let statement = match parse(text) {
        Ok(statement) => statement,
        Err(error) => return Some(format!("no {error}")),
    };
    let kind = match &statement {
        Statement::Select(_) => "SelectStatement.RawStatement",
        Statement::Insert(insert) => match insert.row {
            InsertRow::Values { .. } => "UpdateStatement.ParsedInsert",
            InsertRow::Json { .. } => "UpdateStatement.ParsedInsertJson",
        },
        Statement::Update(_) => "UpdateStatement.ParsedUpdate",
        Statement::Delete(_) => "DeleteStatement.Parsed",
        Statement::Batch(_) => "BatchStatement.Parsed",
        Statement::Truncate(_) => "TruncateStatement",
        Statement::Use(_) => "UseStatement",
        Statement::Unread(_) => return None,
        _ => "a kind that this comparison does not know",
    };
    Some(format!("ok {kind} {}", statement.markers().len()))
}

/// Whether a text was accepted or refused alike, and if accepted, as the same kind with as many
/// markers.
pub(crate) fn agree(ours: &str, theirs: &str) -> bool {
    match (ours.strip_prefix("ok "), theirs.strip_prefix("ok ")) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (ours, theirs) => ours.is_none() && theirs.is_none(),
    }
}

/// A progress bar, on a terminal only.
pub(crate) fn progress(length: u64, unit: &str) -> indicatif::ProgressBar {
    let template = format!("{{bar:40}} {{pos}}/{{len}} {unit} {{msg}}");
    let style = indicatif::ProgressStyle::with_template(&template);
    let bar = indicatif::ProgressBar::new(length);
    style.map(|style| bar.clone().with_style(style)).unwrap_or(bar)
}
