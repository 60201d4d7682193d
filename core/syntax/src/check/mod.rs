//! Checks of statements against a schema, without a server.
//!
//! [`check`] tells what a server would refuse, and what it accepts and a team regrets ([`Lint`]): unknown names, keys
//! that are missing, counters beside other columns, reads of whole tables. A finding shows its place in the text.
//!
//! A schema does not tell everything, and not everything that it tells is looked at: the types of literals and of
//! operands, `ORDER BY` and `GROUP BY` are left to the server, and so are the tables of `system` and of keyspaces whose
//! names begin with `system_`. The rules are those of Cassandra 5. What it accepts when it prepares a statement is
//! a finding with a [`Lint`].
//!
//! Files: `find` looks names up; `restriction` judges a `WHERE`; `select`, `write`, `condition`, `batch` and `definition`
//! are families of statements; `term` and `functions` look into values; `signature`, with `marker`,
//! `not_applied`, `nullability`, `receiver`, `column_name`, `kind` and `function_kind`, tells what a prepared statement takes and gives. A rule for operators or for types of literals
//! belongs into `restriction` or `term`.

mod batch;
mod column_name;
mod condition;
mod definition;
mod find;
mod finding;
mod function_kind;
mod functions;
mod kind;
mod lint;
mod marker;
mod near;
mod not_applied;
mod nullability;
mod receiver;
mod restriction;
mod select;
mod signature;
mod term;
mod write;

pub use self::finding::{Finding, Shown};
pub use self::lint::Lint;
pub use self::near::nearest;
pub use self::not_applied::not_applied;
pub use self::nullability::Nullability;
pub use self::signature::Signature;
use crate::schema::{Schema, is_system};
use crate::tree::Statement;

/// What is wrong with a statement, in the order in which it was found: 100 findings at most.
///
/// Without a schema only what needs none is looked at. `keyspace` is for tables that are named without theirs.
///
/// ```
/// use cqlstack_syntax::{Schema, check::{Lint, check}, parse};
///
/// let schema = Schema::from_script(
///     "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
///      CREATE TABLE app.users (id int PRIMARY KEY, name text)",
/// )?;
/// let lints = |text| {
///     let statement = parse(text)?;
///     let findings = check(&statement, Some(&schema), Some("app"));
///     Ok::<_, cqlstack_syntax::SyntaxError>(findings.iter().map(|it| it.lint()).collect::<Vec<_>>())
/// };
/// assert_eq!(lints("SELECT name FROM users WHERE id = ?")?, []);
/// assert_eq!(lints("SELECT name FROM users")?, [Some(Lint::Scan)]);
/// assert_eq!(lints("SELECT name FROM users WHERE name = ?")?, [None]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn check(
    statement: &Statement<'_>,
    schema: Option<&Schema>,
    keyspace: Option<&str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    mixed_markers(statement, &mut findings);
    if let Some(schema) = schema {
        let mut checker = Checker { schema, keyspace, findings };
        checker.statement(statement);
        findings = checker.findings;
    }
    findings
}

/// A statement has no more findings than that.
const MOST: usize = 100;

/// A look at one statement.
struct Checker<'s> {
    schema: &'s Schema,
    keyspace: Option<&'s str>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    /// Whether more would not be kept: then nothing has to be found out for it.
    const fn is_full(&self) -> bool {
        self.findings.len() >= MOST
    }

    /// Notes a finding, but for a second one about the same place.
    fn report(&mut self, finding: Finding) {
        let same = self.findings.iter_mut().find(|known| known.span() == finding.span());
        if let Some(known) = same {
            // What is refused says more than what may be allowed.
            if known.lint().is_some() && finding.lint().is_none() {
                *known = finding;
            }
        } else if !self.is_full() {
            self.findings.push(finding);
        }
    }

    /// Whether the server would refuse it: then what a team regrets does not matter.
    fn has_error(&self) -> bool {
        self.findings.iter().any(|finding| finding.lint().is_none())
    }

    fn statement(&mut self, statement: &Statement<'_>) {
        match statement {
            Statement::Select(select) => self.select(select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Batch(batch) => self.batch(batch),
            Statement::Truncate(truncate) => {
                let table = self.table(truncate.table);
                if let Some(finding) = table.and_then(|of| Self::view(of, truncate.table)) {
                    self.report(finding.with_lint(Lint::RefusedWhenExecuted));
                }
            }
            Statement::Prune(prune) => drop(self.table(prune.view)),
            Statement::Use(of) => {
                let name = of.keyspace.resolved();
                if !is_system(&name) && self.schema.keyspace(&name).is_none() {
                    let finding = self.no_keyspace(of.keyspace);
                    self.report(finding.with_lint(Lint::RefusedWhenExecuted));
                }
            }
            Statement::Create(_) | Statement::Alter(_) | Statement::Drop(_) => {
                self.definition(statement);
            }
            Statement::Roles(_) | Statement::Describe(_) => {}
        }
    }
}

fn mixed_markers(statement: &Statement<'_>, findings: &mut Vec<Finding>) {
    let markers = statement.markers();
    let is_named = |index: usize| markers.get(index).is_some_and(|it| it.marker.name.is_some());
    let first = is_named(0);
    if (1..markers.len()).all(|index| is_named(index) == first) {
        return;
    }
    let named = markers.iter().find_map(|bound| bound.marker.name);
    let Some(name) = named else { return };
    let message = "named and positional markers are mixed";
    let expected = "`?` for all, or a name for all";
    findings.push(Finding::new(name.span(), message, expected).with_lint(Lint::MixedMarkers));
}
