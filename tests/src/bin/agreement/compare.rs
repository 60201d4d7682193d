//! One text, two parsers.

use std::time::Instant;

use cqlstack_syntax::{InsertRow, Statement, parse};
use cqlstack_tests::oracle::{Oracle, Question};
use indicatif::style::TemplateError;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{Bounds, Outcome};

/// Differences that are shown.
const SHOWN: usize = 20;

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

/// What is asked of the oracle again and again, of made-up texts.
pub(crate) struct Asked<'a> {
    pub(crate) question: Question,
    /// Texts that are asked at once.
    pub(crate) batch: usize,
    /// How it answers where it accepts a text.
    pub(crate) accepts: fn(&str) -> bool,
    /// What becomes of a text and the oracle's answer.
    pub(crate) judge: &'a dyn Fn(&str, &str) -> Verdict,
}

/// Whether both understand a text alike.
pub(crate) enum Verdict {
    /// It is not compared.
    Skipped,
    Same,
    /// What we make of it.
    Other(String),
}

/// Compares texts until the time is over, and shows the first differences.
pub(crate) async fn until_over(
    oracle: &mut Oracle,
    bounds: &Bounds,
    asked: Asked<'_>,
    mut text: impl FnMut(&mut fastrand::Rng) -> String,
) -> Outcome {
    let mut random = bounds.random();
    let (began, bar) = (Instant::now(), progress(bounds.seconds)?);
    let (mut compared, mut accepted, mut differing) = (0_usize, 0_usize, 0_usize);
    while began.elapsed() < bounds.duration() {
        let texts: Vec<String> = (0..asked.batch).map(|_| text(&mut random)).collect();
        let answers = oracle.ask(asked.question, &texts).await?;
        for (text, theirs) in texts.iter().zip(&answers) {
            let verdict = (asked.judge)(text, theirs);
            if matches!(verdict, Verdict::Skipped) {
                continue;
            }
            compared += 1;
            accepted += usize::from((asked.accepts)(theirs));
            if let Verdict::Other(ours) = verdict {
                differing += 1;
                if differing <= SHOWN {
                    println!("{text:?}\n  ours:      {ours:?}\n  Cassandra: {theirs:?}");
                }
            }
        }
        bar.set_position(began.elapsed().as_secs());
    }
    bar.finish_and_clear();
    println!("{compared} texts, {accepted} of them accepted by Cassandra; {differing} differ");
    Ok(differing == 0)
}

/// On a terminal only.
fn progress(seconds: u64) -> Result<ProgressBar, TemplateError> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s")?;
    Ok(ProgressBar::new(seconds).with_style(style))
}
