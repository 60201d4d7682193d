//! What is known about a statement without asking the server.

mod kind;
mod name;
mod schema_facts;
mod static_statement;
mod warnings;

use std::borrow::Cow;
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

pub use cqlstack_syntax::StatementKind;
use cqlstack_syntax::{Facts, Form, Lists};
use kind::is_never_idempotent;
pub(crate) use kind::{fails_over, parse, takes_timestamp};
pub(crate) use name::interned;
pub(crate) use schema_facts::{Attempt, SchemaFacts, Told};
pub(crate) use static_statement::Defaults;
use static_statement::Known;
pub use static_statement::StaticStatement;

use crate::profile::Profile;
use crate::request::PageSize;
use crate::timestamp::Timestamps;

/// A CQL statement: its text, its name, and what the text alone tells about it.
///
/// It is where layers meet: retry reads [`is_idempotent`](Self::is_idempotent), metrics read
/// [`name`](Self::name), a statement cache keys on the text. Make it once and keep it, in a field or
/// as a [`StaticStatement`]. Cloning is one atomic increment at most; the text is read when the kind
/// or the name is first asked for.
///
/// ```
/// use cqlstack_core::{Statement, StatementKind};
///
/// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
/// assert_eq!(by_id.name(), "SELECT app.users");
/// assert_eq!(by_id.kind(), StatementKind::Read);
/// assert!(by_id.is_idempotent());
///
/// // An insert of given values may be sent twice; appending to a list may not.
/// assert!(Statement::new("INSERT INTO app.users (id, name) VALUES (?, ?)").is_idempotent());
/// assert!(!Statement::new("UPDATE app.users SET tags = tags + ['a'] WHERE id = ?").is_idempotent());
/// ```
#[doc(alias("SimpleStatement", "UnpreparedStatement"))]
#[derive(Clone)]
pub struct Statement(Repr);

#[derive(Clone)]
enum Repr {
    Static(&'static StaticStatement),
    Shared(Arc<StaticStatement>),
}

impl Statement {
    /// A statement whose text is made at run time. Never put values into the text: bind them.
    #[must_use]
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(Repr::Shared(Arc::new(StaticStatement::with_text(text.into()))))
    }

    /// A statement that stands in a `static`. Allocates nothing.
    #[must_use]
    pub const fn from_static(statement: &'static StaticStatement) -> Self {
        Self(Repr::Static(statement))
    }

    /// A statement of a text that was read already.
    pub(crate) fn of_read(text: String, facts: Facts) -> Self {
        Self(Repr::Shared(Arc::new(StaticStatement::made(text.into(), Known::Given(facts)))))
    }

    /// What layers see of a batch that is no text. It has no small number: programs make them anew all
    /// the time.
    pub(crate) fn of_batch(
        text: &'static str,
        name: &'static str,
        (kind, idempotent): (StatementKind, bool),
        said: Option<bool>,
    ) -> Self {
        let mut facts = Facts::given_as(kind, Form::Batch, "", Lists::NONE);
        facts.is_idempotent = idempotent;
        let mut statement = StaticStatement::with_facts(text, facts);
        (statement.name, statement.idempotent) = (Some(name), said);
        *statement.id.get_mut() = u32::MAX;
        Self(Repr::Shared(Arc::new(statement)))
    }

    #[inline]
    fn inner(&self) -> &StaticStatement {
        match &self.0 {
            Repr::Static(inner) => inner,
            Repr::Shared(inner) => inner,
        }
    }

    fn change(self, change: impl FnOnce(&mut StaticStatement)) -> Self {
        let mut inner = match self.0 {
            Repr::Static(inner) => Arc::new(inner.clone()),
            Repr::Shared(inner) => inner,
        };
        let changed = Arc::make_mut(&mut inner);
        change(changed);
        *changed.id.get_mut() = 0;
        Self(Repr::Shared(inner))
    }

    /// Sets the name by which metrics and errors speak of it. Else that is its verb and table, for
    /// example `SELECT app.users`.
    ///
    /// A name that is made at run time is cut after 128 bytes, and kept for as long as the process runs: statements of
    /// one name share it. A name ends as a label of metrics, so a process takes 4,096 of them; a statement that would
    /// get one more keeps the name that it has, and the log says so once. To name a statement so takes a lock.
    ///
    /// ```
    /// use cqlstack_core::Statement;
    ///
    /// let of = |tenant: &str| {
    ///     Statement::new(format!("SELECT name FROM {tenant}.users WHERE id = ?"))
    ///         .named(format!("user_of_{tenant}"))
    /// };
    /// assert_eq!(of("acme").name(), "user_of_acme");
    /// ```
    #[must_use]
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        match interned(name.into()) {
            Some(name) => self.change(|inner| inner.name = Some(name)),
            None => self,
        }
    }

    /// Sets the kind, where the keywords mislead.
    #[must_use]
    pub fn with_kind(self, kind: StatementKind) -> Self {
        self.change(|inner| inner.kind = Some(kind))
    }

    /// Says whether applying it twice is as good as once. Never true for counters and conditional
    /// statements, whatever is said here.
    #[must_use]
    pub fn idempotent(self, idempotent: bool) -> Self {
        self.change(|inner| inner.idempotent = Some(idempotent))
    }

    /// Sets how many replicas have to answer, for requests that do not say themselves.
    ///
    /// So do the other four: what a request sets goes before what its statement sets, and that before
    /// what the session does.
    ///
    /// | | request | else statement | else session |
    /// |---|---|---|---|
    /// | consistency level | [`Request::with_consistency`](crate::Request::with_consistency) | here | [`SessionBuilder::consistency`](crate::SessionBuilder::consistency) |
    /// | serial consistency level | [`with_serial_consistency`](crate::Request::with_serial_consistency) | [here](Self::with_serial_consistency) | `LOCAL_SERIAL` |
    /// | page size, or none | [`with_page_size`](crate::Request::with_page_size), [`without_paging`](crate::Request::without_paging) | [here](Self::with_page_size), [here](Self::without_paging) | [`page_size`](crate::SessionBuilder::page_size) |
    /// | timeout of an attempt | [`with_attempt_timeout`](crate::Request::with_attempt_timeout) | [here](Self::with_attempt_timeout) | [`attempt_timeout`](crate::SessionBuilder::attempt_timeout) |
    /// | timestamps | [`with_timestamps`](crate::Request::with_timestamps) | [here](Self::with_timestamps) | [`timestamps`](crate::SessionBuilder::timestamps) |
    /// | idempotent | | [`idempotent`](Self::idempotent), else the text | |
    #[must_use]
    pub fn with_consistency(self, consistency: Consistency) -> Self {
        self.change(|inner| inner.defaults.consistency = Some(consistency))
    }

    /// Sets the consistency of the Paxos phase, for requests that do not say themselves.
    #[must_use]
    pub fn with_serial_consistency(self, consistency: SerialConsistency) -> Self {
        self.change(|inner| inner.defaults.serial_consistency = Some(consistency))
    }

    /// Sets how many rows a page has, for requests that do not say themselves.
    #[must_use]
    #[doc(alias("fetch_size", "setPageSize", "PageSize"))]
    pub fn with_page_size(self, rows: u32) -> Self {
        self.change(|inner| inner.defaults.page_size = Some(PageSize::new(rows)))
    }

    /// Asks for all rows at once, without pages, for requests that do not say themselves.
    ///
    /// For results that are bounded: all rows are in the memory of the coordinator, of the driver and of the response at
    /// the same time, and all have to come within the time of one attempt. Cassandra wants it for an `IN` on the partition
    /// key beside an `ORDER BY`.
    ///
    /// ```
    /// use cqlstack_core::StaticStatement;
    ///
    /// static LATEST: StaticStatement =
    ///     StaticStatement::new("SELECT id FROM app.events WHERE day IN ? ORDER BY at DESC LIMIT 10")
    ///         .without_paging();
    /// ```
    #[must_use]
    #[doc(alias("execute_unpaged"))]
    pub fn without_paging(self) -> Self {
        self.change(|inner| inner.defaults.page_size = Some(PageSize::NONE))
    }

    /// Sets the longest time of one attempt, for requests that do not say themselves:
    /// [`Request::with_attempt_timeout`](crate::Request::with_attempt_timeout).
    #[must_use]
    pub fn with_attempt_timeout(self, timeout: Duration) -> Self {
        self.change(|inner| inner.defaults.attempt_timeout = Some(timeout))
    }

    /// Sets who gives its writes their timestamps, for requests that do not say themselves.
    #[must_use]
    pub fn with_timestamps(self, timestamps: Timestamps) -> Self {
        self.change(|inner| inner.defaults.timestamps = Some(timestamps))
    }

    /// Sets what the profile sets.
    #[must_use]
    pub fn with_profile(self, profile: &Profile) -> Self {
        self.change(|inner| {
            let defaults = &mut inner.defaults;
            defaults.consistency = profile.consistency.or(defaults.consistency);
            defaults.serial_consistency =
                profile.serial_consistency.or(defaults.serial_consistency);
            defaults.page_size = profile.paged(defaults.page_size);
            defaults.attempt_timeout = profile.attempt_timeout.or(defaults.attempt_timeout);
            defaults.timestamps = profile.timestamps.or(defaults.timestamps);
            inner.idempotent = profile.idempotent.or(inner.idempotent);
        })
    }

    /// The CQL text. It can contain literals: log the [`name`](Self::name) instead.
    #[must_use]
    #[inline]
    pub fn text(&self) -> &str {
        &self.inner().text
    }

    /// The name by which metrics and errors speak of it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner().name()
    }

    /// What it does: what the user said, else what the text tells. A schema may tell more:
    /// [`Prepared::kind`](crate::Prepared::kind).
    #[must_use]
    #[inline]
    pub fn kind(&self) -> StatementKind {
        let inner = self.inner();
        inner.kind.unwrap_or_else(|| inner.facts().kind)
    }

    /// Whether it reads a table without a key: a `SELECT` with `ALLOW FILTERING`, or with neither `=` nor `IN` in its
    /// `WHERE`. Without a `LIMIT` its cost grows with the table.
    ///
    /// ```
    /// use cqlstack_core::Statement;
    ///
    /// assert!(Statement::new("SELECT id FROM app.users LIMIT 10").is_scan());
    /// assert!(!Statement::new("SELECT name FROM app.users WHERE id = ?").is_scan());
    /// ```
    #[must_use]
    #[inline]
    pub fn is_scan(&self) -> bool {
        self.inner().facts().scans
    }

    /// What it does, with what preparing told.
    #[inline]
    pub(crate) fn kind_with(&self, facts: SchemaFacts) -> StatementKind {
        if facts.counter {
            return StatementKind::Counter;
        }
        match self.inner().kind {
            None if facts.several == Some(false) => StatementKind::Write,
            _ => self.kind(),
        }
    }

    /// Whether it may be sent twice: what the user said, else what the text tells. Never a counter or
    /// conditional statement.
    ///
    /// The text tells it where it is known: an `INSERT` of given values may, `l = l + [1]`, `now()`
    /// and what does not parse may not. What else may not is said at
    /// [`cqlstack_syntax::Statement::is_idempotent`]. A schema may tell more:
    /// [`Prepared::is_idempotent`](crate::Prepared::is_idempotent).
    #[must_use]
    #[inline]
    pub fn is_idempotent(&self) -> bool {
        self.is_idempotent_with(SchemaFacts::default())
    }

    /// Whether it may be sent twice, with what preparing told.
    #[inline]
    pub(crate) fn is_idempotent_with(&self, facts: SchemaFacts) -> bool {
        let inner = self.inner();
        let of_text = || inner.facts().is_idempotent && !facts.list && !facts.by_server;
        !is_never_idempotent(self.kind_with(facts)) && inner.idempotent.unwrap_or_else(of_text)
    }

    /// A small number of its own within the process, from 0, so that a layer finds what it keeps of
    /// a statement by index. Clones share it; a statement that differs in anything has another.
    /// Statements made anew for each request use numbers up: a layer bounds its table. Those of a
    /// [`Batch`](crate::Batch) all have the same one, which is beyond all tables, and so have those that are made
    /// when all numbers are used up.
    #[must_use]
    #[inline]
    pub fn id(&self) -> u32 {
        // From 1, since 0 is none.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = &self.inner().id;
        let known = id.load(Ordering::Relaxed);
        if known != 0 {
            return known - 1;
        }
        let new = take_number(&NEXT);
        match id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => new - 1,
            Err(other) => other - 1,
        }
    }

    /// Its number, if it was asked for.
    #[inline]
    pub(crate) fn known_id(&self) -> Option<u32> {
        self.inner().id.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Whether it is a clone, or the same static.
    pub(crate) fn is_clone_of(&self, other: &Self) -> bool {
        ptr::eq(self.inner(), other.inner())
    }

    /// Whether the text is the same. Clones and uses of one static are known by its address.
    #[inline]
    pub(crate) fn has_text_of(&self, other: &Self) -> bool {
        let (ours, other) = (self.text(), other.text());
        ptr::eq(ours, other) || ours == other
    }

    /// The name of the table that it reads or writes; none of a batch.
    pub(crate) fn table(&self) -> Option<&str> {
        if self.form() == Form::Batch {
            return None;
        }
        self.facts().tables().next().map(|(_, name)| name)
    }

    /// Whether, without values, it is sent as text.
    pub(crate) fn goes_unprepared(&self) -> bool {
        self.is_use() || matches!(self.kind(), StatementKind::Schema | StatementKind::Other)
    }

    /// Whether tables may be others after it.
    #[inline]
    pub(crate) fn may_change_schema(&self) -> bool {
        self.kind() == StatementKind::Schema
    }

    /// Whether it is a `USE`.
    #[inline]
    pub(crate) fn is_use(&self) -> bool {
        self.form() == Form::Use
    }

    /// Whether the last `USE` decides what it is about.
    pub(crate) fn depends_on_use(&self) -> bool {
        self.inner().facts().depends_on_use
    }

    #[inline]
    pub(crate) fn defaults(&self) -> Defaults {
        self.inner().defaults
    }

    /// What its text is.
    #[inline]
    pub(crate) fn form(&self) -> Form {
        self.inner().facts().form
    }

    /// Whether it may write to several partitions, apart from its kind.
    pub(crate) fn may_be_several(&self, facts: SchemaFacts) -> bool {
        let one = facts.several == Some(false);
        self.form() == Form::Batch || (!one && self.facts().several().len() > 0)
    }

    /// What its text alone tells.
    #[inline]
    pub(crate) fn facts(&self) -> &Facts {
        self.inner().facts()
    }
}

/// The next number; the largest, again and again, when all are used up.
fn take_number(next: &AtomicU32) -> u32 {
    next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| next.checked_add(1))
        .unwrap_or(u32::MAX)
}

impl From<&Self> for Statement {
    fn from(statement: &Self) -> Self {
        statement.clone()
    }
}

/// A [`cql!`](crate::cql) in a `static` is a reference already.
impl From<&&'static StaticStatement> for Statement {
    fn from(statement: &&'static StaticStatement) -> Self {
        Self::from_static(statement)
    }
}

/// As [`Statement::new`]: the text is read anew for each statement that is made so. Keep one that is sent often.
impl From<&'static str> for Statement {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

/// As [`Statement::new`].
impl From<String> for Statement {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&'static StaticStatement> for Statement {
    fn from(statement: &'static StaticStatement) -> Self {
        Self::from_static(statement)
    }
}

/// Shows the name, not the text, which can contain literals.
impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("name", &self.name())
            .field("kind", &self.kind())
            .field("idempotent", &self.is_idempotent())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
