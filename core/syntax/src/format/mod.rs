//! Writes trees as text.
//!
//! What is written parses to the same tree again: capitals for the words of the grammar, small letters for
//! names, quotes where a name needs them or is a keyword that had some, literals as they were, one blank
//! between things, and never two minuses in a row, which begin a comment.

mod data;
mod name;
mod role;
mod schema;
mod term;

use std::fmt::{self, Display, Write};

use crate::tree::{Describe, Described, Statement, Term, Type};

/// A statement that is longer is broken over lines, if that is asked for.
const WIDTH: usize = 100;

/// Where text goes.
struct Printer<'f> {
    out: &'f mut dyn Write,
    /// Over lines.
    broken: bool,
}

/// In one line with `{}`; with `{:#}`, over several where it is long.
///
/// ```
/// let statement = cqlstack_syntax::parse("select  NAME from App.users /* x */ where \"id\" = - -1")?;
/// assert_eq!(statement.to_string(), "SELECT name FROM app.users WHERE id = - -1");
///
/// let long = "CREATE TABLE app.readings (sensor uuid, day date, at timestamp, value double, \
///             PRIMARY KEY ((sensor, day), at)) WITH comment = 'by day' AND gc_grace_seconds = 0";
/// assert_eq!(format!("{:#}", cqlstack_syntax::parse(long)?), "\
/// CREATE TABLE app.readings (
///     sensor uuid,
///     day date,
///     at timestamp,
///     value double,
///     PRIMARY KEY ((sensor, day), at)
/// )
/// WITH comment = 'by day'
///     AND gc_grace_seconds = 0");
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
impl Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return Printer { out: f, broken: false }.statement(self);
        }
        let mut line = String::new();
        Printer { out: &mut line, broken: false }.statement(self)?;
        if line.chars().count() <= WIDTH {
            return f.write_str(&line);
        }
        Printer { out: f, broken: true }.statement(self)
    }
}

impl Display for Term<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { out: f, broken: false }.term(self)
    }
}

impl Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer { out: f, broken: false }.kind(self)
    }
}

impl Printer<'_> {
    fn statement(&mut self, statement: &Statement<'_>) -> fmt::Result {
        match statement {
            Statement::Select(select) => self.select(select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Batch(batch) => self.batch(batch),
            Statement::Truncate(truncate) => {
                self.text("TRUNCATE ")?;
                self.table(truncate.table)?;
                self.timeout(truncate.timeout.as_ref())
            }
            Statement::Prune(prune) => {
                self.text("PRUNE MATERIALIZED VIEW ")?;
                self.table(prune.view)?;
                if !prune.relations.is_empty() {
                    self.clause("WHERE")?;
                    self.relations(&prune.relations)?;
                }
                self.timeout(prune.timeout.as_ref())
            }
            Statement::Use(of) => {
                self.text("USE ")?;
                self.name(of.keyspace)
            }
            Statement::Create(create) => self.create(create),
            Statement::Alter(alter) => self.alter(alter),
            Statement::Drop(drop) => self.drop(drop),
            Statement::Roles(roles) => self.roles(roles),
            Statement::Describe(describe) => self.describe(describe),
        }
    }

    fn text(&mut self, text: &str) -> fmt::Result {
        self.out.write_str(text)
    }

    fn text_if(&mut self, holds: bool, text: &str) -> fmt::Result {
        if holds { self.text(text) } else { Ok(()) }
    }

    /// The begin of a clause, which may be that of a line.
    fn clause(&mut self, words: &str) -> fmt::Result {
        self.text(if self.broken { "\n" } else { " " })?;
        self.text(words)?;
        self.text(" ")
    }

    fn joined<T>(
        &mut self,
        separator: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        for (index, item) in items.into_iter().enumerate() {
            self.text_if(index > 0, separator)?;
            write(self, item)?;
        }
        Ok(())
    }

    /// With commas between them.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        self.joined(", ", items, write)
    }

    /// With `AND` between them, perhaps a line for each.
    fn all_of<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        self.joined(if self.broken { "\n    AND " } else { " AND " }, items, write)
    }

    /// In parentheses, perhaps a line for each.
    fn block<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        self.text("(")?;
        for (index, item) in items.into_iter().enumerate() {
            self.text_if(index > 0, ",")?;
            if self.broken {
                self.text("\n    ")?;
            } else {
                self.text_if(index > 0, " ")?;
            }
            write(self, item)?;
        }
        self.text_if(self.broken, "\n")?;
        self.text(")")
    }

    fn describe(&mut self, describe: &Describe<'_>) -> fmt::Result {
        self.text("DESCRIBE ")?;
        match describe.what {
            Described::Cluster => self.text("CLUSTER")?,
            Described::Schema(full) => self.text(if full { "FULL SCHEMA" } else { "SCHEMA" })?,
            Described::All(what) => self.text(what.as_str())?,
            Described::Keyspace(name, only) => {
                self.text(if only { "ONLY KEYSPACE" } else { "KEYSPACE" })?;
                if let Some(name) = name {
                    self.text(" ")?;
                    self.name(name)?;
                }
            }
            Described::One(what, table) => {
                self.text(what.as_str())?;
                self.text_if(what == crate::Keyword::Materialized, " VIEW")?;
                self.text(" ")?;
                self.table(table)?;
            }
            Described::Any(table) => self.table(table)?,
        }
        self.text_if(describe.with_internals, " WITH INTERNALS")
    }
}
