//! One text, two parsers.

use std::time::Instant;

use cqlstack_syntax::{
    Altered, Created, Described, Dropped, InsertRow, Keyword, Roles, Statement, parse,
};
use cqlstack_tests::oracle::{Oracle, Question};
use indicatif::style::TemplateError;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{Bounds, Outcome};

/// Differences that are shown.
const SHOWN: usize = 20;

/// What this crate makes of a text, as the oracle puts it.
pub(crate) fn ours(text: &str) -> String {
    match parse(text) {
        Ok(statement) => format!("ok {} {}", class(&statement), statement.markers().len()),
        Err(error) => format!("no {error}"),
    }
}

/// The class that Cassandra makes of it.
fn class(statement: &Statement<'_>) -> &'static str {
    match statement {
        Statement::Select(_) => "SelectStatement.RawStatement",
        Statement::Insert(insert) => match insert.row {
            InsertRow::Values { .. } => "UpdateStatement.ParsedInsert",
            InsertRow::Json { .. } => "UpdateStatement.ParsedInsertJson",
            _ => "unknown",
        },
        Statement::Update(_) => "UpdateStatement.ParsedUpdate",
        Statement::Delete(_) => "DeleteStatement.Parsed",
        Statement::Batch(_) => "BatchStatement.Parsed",
        Statement::Truncate(_) => "TruncateStatement",
        Statement::Use(_) => "UseStatement",
        Statement::Create(create) => match create.object {
            Created::Keyspace(..) => "CreateKeyspaceStatement.Raw",
            Created::Table(_) => "CreateTableStatement.Raw",
            Created::Type(..) => "CreateTypeStatement.Raw",
            Created::Index(_) => "CreateIndexStatement.Raw",
            Created::View(_) => "CreateViewStatement.Raw",
            Created::Function(_) => "CreateFunctionStatement.Raw",
            Created::Aggregate(_) => "CreateAggregateStatement.Raw",
            Created::Trigger(..) => "CreateTriggerStatement.Raw",
            _ => UNKNOWN,
        },
        Statement::Alter(alter) => match alter.object {
            Altered::Keyspace(..) => "AlterKeyspaceStatement.Raw",
            Altered::Table(..) => "AlterTableStatement.Raw",
            Altered::View(..) => "AlterViewStatement.Raw",
            Altered::Type(..) => "AlterTypeStatement.Raw",
            _ => UNKNOWN,
        },
        Statement::Drop(drop) => match drop.object {
            Dropped::Keyspace(_) => "DropKeyspaceStatement.Raw",
            Dropped::Table(_) => "DropTableStatement.Raw",
            Dropped::Index(_) => "DropIndexStatement.Raw",
            Dropped::View(_) => "DropViewStatement.Raw",
            Dropped::Type(_) => "DropTypeStatement.Raw",
            Dropped::Function(..) => "DropFunctionStatement.Raw",
            Dropped::Aggregate(..) => "DropAggregateStatement.Raw",
            Dropped::Trigger(..) => "DropTriggerStatement.Raw",
            _ => UNKNOWN,
        },
        Statement::Roles(roles) => class_of_roles(roles),
        Statement::Describe(describe) => match describe.what {
            Described::Keyspace(..) | Described::One(..) => "DescribeStatement.Element",
            Described::All(what) if what != Keyword::Keyspaces => "DescribeStatement.Listing",
            // A class without a name.
            _ => "DescribeStatement.",
        },
        _ => UNKNOWN,
    }
}

const UNKNOWN: &str = "a kind that this comparison does not know";

fn class_of_roles(roles: &Roles<'_>) -> &'static str {
    match roles {
        Roles::CreateRole { .. } | Roles::CreateUser { .. } => "CreateRoleStatement",
        Roles::AlterRole { .. } | Roles::AlterUser { .. } => "AlterRoleStatement",
        Roles::DropRole(..) | Roles::DropUser(..) => "DropRoleStatement",
        Roles::AddIdentity { .. } => "AddIdentityStatement",
        Roles::DropIdentity(..) => "DropIdentityStatement",
        Roles::Grant(..) => "GrantPermissionsStatement",
        Roles::Revoke(..) => "RevokePermissionsStatement",
        Roles::GrantRole(..) => "GrantRoleStatement",
        Roles::RevokeRole(..) => "RevokeRoleStatement",
        Roles::ListPermissions { .. } => "ListPermissionsStatement",
        Roles::List { .. } => "ListRolesStatement",
        Roles::ListUsers => "ListUsersStatement",
        _ => UNKNOWN,
    }
}

/// What Cassandra's parser asks its server for: classes for types, which it also fails over in tuples, and the
/// keyspaces of functions.
const OF_A_SERVER: [&str; 4] = [
    "no SyntaxException: Error setting type",
    "no NullPointerException",
    "no ConfigurationException: Keyspace",
    "no NoSuchElementException: No value present",
];

/// Whether a text was accepted or refused alike, and if accepted, as the same kind with as many
/// markers.
pub(crate) fn agree(ours: &str, theirs: &str) -> bool {
    if OF_A_SERVER.iter().any(|begin| theirs.starts_with(begin)) {
        return true;
    }
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
    /// The same text as we write it, which has to be answered alike.
    pub(crate) written: fn(&str) -> Option<String>,
}

/// Whether both understand a text alike.
pub(crate) enum Verdict {
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
        let written = |(text, theirs): (&String, &String)| {
            let accepted = (asked.accepts)(theirs);
            accepted.then(|| (asked.written)(text)).flatten().map(|text| (text, theirs.clone()))
        };
        let (again, expected): (Vec<String>, Vec<String>) =
            texts.iter().zip(&answers).filter_map(written).unzip();
        let rewritten = oracle.ask(asked.question, &again).await?;
        for ((text, expected), theirs) in again.iter().zip(&expected).zip(&rewritten) {
            if expected != theirs {
                differing += 1;
                println!("{text:?}\n  as it was: {expected:?}\n  written:   {theirs:?}");
            }
        }
        for (text, theirs) in texts.iter().zip(&answers) {
            let verdict = (asked.judge)(text, theirs);
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
