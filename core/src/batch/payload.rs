//! A batch on its way down the stack.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use cqlstack_syntax::Form;
use foldhash::fast::RandomState;
use scylla::errors::SerializationError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::batch::{Batch as DriverBatch, BatchType};

use super::fault::{BatchFault, Member};
use super::guard::{self, BatchGuard, Ready};
use super::lender::{Given, SerializedRows, Wanted};
use super::limits::BatchLimits;
use super::warnings;
use crate::error::{ErrorKind, values_kind};
use crate::lending::{Loan, given_up};
use crate::prepared::Prepared;
use crate::serialized_row::Cells;
use crate::session::Basis;
use crate::statement::{SchemaFacts, Statement, StatementKind, Told};
use crate::timestamp::Timestamps;

/// The most statements that a batch can hold.
const MOST: usize = u16::MAX as usize;

/// How many statements back the same one is looked for.
const REACH: usize = 16;

/// Which kind of batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchKind {
    Logged,
    Unlogged,
    Counter,
}

/// What a batch consists of, without its name.
#[derive(Clone)]
pub(super) struct Members {
    pub(super) kind: BatchKind,
    pub(super) guard: BatchGuard,
    /// Each once, as far as they stand near to each other.
    pub(super) statements: Vec<Statement>,
    /// Which of the statements each row is of.
    pub(super) rows: Vec<usize>,
}

/// The values of a row.
pub(crate) type Row<'v> = Arc<dyn SerializeRow + Send + Sync + 'v>;

impl Members {
    pub(super) fn push(&mut self, statement: &Statement) {
        let mut near = (0..self.statements.len()).rev().take(REACH);
        let known = near.find(|place| {
            let known = &self.statements[*place];
            known.has_text_of(statement)
                && known.is_idempotent() == statement.is_idempotent()
                && known.defaults().timestamps == statement.defaults().timestamps
        });
        let statement = known.unwrap_or_else(|| {
            self.statements.push(statement.clone());
            self.statements.len() - 1
        });
        self.rows.push(statement);
    }

    /// What layers see of it.
    pub(super) fn statement(&self, name: Option<&'static str>, said: Option<bool>) -> Statement {
        let (text, default, kind) = match self.kind {
            BatchKind::Logged => {
                ("BEGIN BATCH APPLY BATCH", "LOGGED BATCH", StatementKind::LoggedBatch)
            }
            BatchKind::Unlogged => {
                let kind = match self.guard {
                    BatchGuard::Refuse => StatementKind::Write,
                    BatchGuard::Warn => StatementKind::MultiPartition,
                };
                ("BEGIN UNLOGGED BATCH APPLY BATCH", "UNLOGGED BATCH", kind)
            }
            BatchKind::Counter => {
                ("BEGIN COUNTER BATCH APPLY BATCH", "COUNTER BATCH", StatementKind::Counter)
            }
        };
        let has = |kind| self.statements.iter().any(|statement| statement.kind() == kind);
        let kind = match kind {
            StatementKind::Counter => kind,
            _ if has(StatementKind::Conditional) => StatementKind::Conditional,
            // What is not understood may be conditional.
            _ if has(StatementKind::Other) => StatementKind::Other,
            _ => kind,
        };
        let idempotent = self.statements.iter().all(Statement::is_idempotent);
        Statement::of_batch(text, name.unwrap_or(default), (kind, idempotent), said)
    }

    fn at(&self, index: usize) -> Member {
        let name = self.rows.get(index).and_then(|statement| self.statements.get(*statement));
        Member { index, name: name.map_or_else(String::new, |it| it.name().to_owned()) }
    }

    /// Where a statement stands first.
    fn first(&self, statement: usize) -> Member {
        self.at(self.rows.iter().position(|of| *of == statement).unwrap_or(0))
    }

    /// What is wrong with it by the looks of its statements. Before they are prepared, only some tell
    /// whether they update a counter.
    fn fault(&self, prepared: &[Prepared]) -> Option<BatchFault> {
        match self.rows.len() {
            0 => return Some(BatchFault::Empty),
            statements if statements > MOST => return Some(BatchFault::TooMany { statements }),
            _ => {}
        }
        self.statements.iter().enumerate().find_map(|(place, statement)| {
            let prepared = prepared.get(place);
            let facts = prepared.map_or_else(SchemaFacts::default, Prepared::facts);
            let is_counter = statement.kind_with(facts) == StatementKind::Counter;
            let form = statement.form();
            let fault = match (self.kind, form) {
                (_, Form::Batch | Form::Use | Form::Other) => BatchFault::NotAWrite,
                (BatchKind::Counter, Form::Insert) => BatchFault::NoCounter,
                (BatchKind::Counter, _) if prepared.is_some() && !is_counter => {
                    BatchFault::NoCounter
                }
                (BatchKind::Logged | BatchKind::Unlogged, _) if is_counter => BatchFault::Counter,
                _ => return None,
            };
            Some(fault(self.first(place)))
        })
    }
}

/// The statements of a [`Batch`](super::Batch) and their values, on their way. Cloning is two atomic
/// increments.
#[derive(Clone)]
pub struct BatchPayload {
    inner: Arc<Inner>,
    /// The first of the statements, as they were prepared one after another.
    prepared: Arc<Vec<Prepared>>,
}

struct Inner {
    members: Members,
    rows: Place,
    fault: Option<BatchFault>,
    told: Told,
    texts: OnceLock<usize>,
}

/// Where the values are.
pub(crate) enum Place {
    Here(Vec<Row<'static>>),
    Lent(Loan<Wanted, Given>),
}

/// What the driver sends.
pub(crate) struct Sendable<'b> {
    pub(crate) batch: DriverBatch,
    values: Cow<'b, SerializedRows>,
}

impl Sendable<'_> {
    /// The values of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.values.rows()
    }
}

impl BatchPayload {
    pub(super) fn owned(members: Members, rows: Vec<Row<'static>>) -> Self {
        Self::new(members, Place::Here(rows))
    }

    pub(super) fn lent(members: Members) -> Self {
        Self::new(members, Place::Lent(Loan::new()))
    }

    fn new(members: Members, rows: Place) -> Self {
        let fault = members.fault(&[]);
        let inner = Inner { members, rows, fault, told: Told::default(), texts: OnceLock::new() };
        Self { inner: Arc::new(inner), prepared: Arc::default() }
    }

    /// Where the values are.
    pub(crate) fn place(&self) -> &Place {
        &self.inner.rows
    }

    /// Where questions for the values go, if they are lent.
    pub(crate) fn loan(&self) -> Option<&Loan<Wanted, Given>> {
        match self.place() {
            Place::Here(_) => None,
            Place::Lent(loan) => Some(loan),
        }
    }

    /// The values of rows that are here, or are given, as a frame has them. None where a test made what was prepared.
    pub(super) fn serialise(
        &self,
        rows: &[Row<'_>],
        prepared: &[Prepared],
    ) -> Result<Option<SerializedRows>, Misfit> {
        let statements = self.inner.members.rows.iter().map(|statement| prepared.get(*statement));
        SerializedRows::new(rows, statements)
    }

    /// Waits for values that the caller has not given yet; false if it never will.
    pub(crate) async fn values_come(&self) -> bool {
        let Some(loan) = self.loan() else { return true };
        loan.wait(Wanted::Rows(Arc::clone(&self.prepared))).await.is_some()
    }

    /// How many statements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.members.rows.len()
    }

    /// Whether it has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The statements in their order, each as often as it is in the batch.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        let Members { statements, rows, .. } = &self.inner.members;
        rows.iter().filter_map(|statement| statements.get(*statement))
    }

    /// Whether a statement of it is to be stamped by a server, which stamps all of it.
    pub(crate) fn is_for_server(&self) -> bool {
        let mut statements = self.inner.members.statements.iter();
        statements.any(|statement| statement.defaults().timestamps == Some(Timestamps::Server))
    }

    /// What preparing its statements told of the whole.
    pub(crate) fn told(&self) -> &Told {
        &self.inner.told
    }

    /// How many different texts it has. The first time that costs one look at each.
    pub(crate) fn texts(&self) -> usize {
        let Inner { members, texts, .. } = &*self.inner;
        if let [] | [_] = &members.statements[..] {
            return members.statements.len();
        }
        *texts.get_or_init(|| {
            let texts = members.statements.iter().map(Statement::text);
            texts.collect::<HashSet<_, RandomState>>().len()
        })
    }

    /// Whether it has no more texts than this.
    pub(crate) fn has_few_texts(&self, limit: usize) -> Result<(), BatchFault> {
        // Some may be there twice.
        if self.inner.members.statements.len() <= limit || self.texts() <= limit {
            return Ok(());
        }
        Err(BatchFault::TooManyTexts { texts: self.texts(), limit })
    }

    /// Whether the session for which its first statement was prepared takes it.
    fn is_taken(&self) -> bool {
        let limit = self.prepared.first().and_then(Prepared::basis).map(Basis::batch_texts);
        limit.is_none_or(|limit| self.has_few_texts(limit).is_ok())
    }

    /// What is prepared of it so far.
    pub(crate) fn prepared(&self) -> &[Prepared] {
        &self.prepared
    }

    /// Why it is not to be sent, as far as that is known before it is prepared.
    pub(crate) fn fault(&self) -> Option<&BatchFault> {
        self.inner.fault.as_ref()
    }

    /// The next statement that has to be prepared. None of a batch that is not to be sent, and no more than one of
    /// a batch that its session does not take.
    pub(crate) fn unprepared(&self) -> Option<&Statement> {
        match self.fault() {
            None if self.is_taken() => self.inner.members.statements.get(self.prepared.len()),
            None | Some(_) => None,
        }
    }

    /// Takes the prepared form of that statement. What it taught counts for the batch too.
    pub(crate) fn bind(&mut self, prepared: Prepared) {
        let Some(statement) = self.unprepared() else { return };
        if !statement.is_idempotent_with(prepared.facts()) {
            self.told().add(SchemaFacts { list: true, ..SchemaFacts::default() });
        }
        Arc::make_mut(&mut self.prepared).push(prepared);
    }

    /// What the driver sends, after a last look. `None` where a test made what was prepared.
    pub(crate) fn to_driver(
        &self,
        name: &str,
        limits: &BatchLimits,
    ) -> Result<Option<Sendable<'_>>, ErrorKind> {
        let members = &self.inner.members;
        if let Some(fault) = members.fault(&self.prepared) {
            return Err(ErrorKind::Batch(fault));
        }
        let Some(values) = self.values()? else { return Ok(None) };
        let kind = match members.kind {
            BatchKind::Logged => BatchType::Logged,
            BatchKind::Unlogged => BatchType::Unlogged,
            BatchKind::Counter => BatchType::Counter,
        };
        let mut batch = DriverBatch::new(kind);
        batch.statements.reserve_exact(self.len());
        for statement in &members.rows {
            let prepared = self.prepared.get(*statement).and_then(Prepared::to_driver);
            let Some((prepared, _)) = prepared else { return Ok(None) };
            batch.append_statement(prepared.clone());
        }
        let sendable = Sendable { batch, values };
        self.look(name, &sendable, limits).map_err(ErrorKind::Batch)?;
        Ok(Some(sendable))
    }

    /// The values, serialised. What is lent has been waited for.
    fn values(&self) -> Result<Option<Cow<'_, SerializedRows>>, ErrorKind> {
        let misfit = |Misfit { index, error }: &Misfit| match values_kind(error) {
            ErrorKind::Values(why) => {
                ErrorKind::Values(format!("{}: {why}", self.inner.members.at(*index)))
            }
            kind => kind,
        };
        match self.place() {
            Place::Here(rows) => {
                let rows = self.serialise(rows, &self.prepared).map_err(|it| misfit(&it))?;
                Ok(rows.map(Cow::Owned))
            }
            Place::Lent(loan) => {
                let is_it = |wanted: &Wanted| wanted.is_rows(&self.prepared);
                match loan.answer_to(is_it) {
                    Some(Given::Rows(rows)) => {
                        Ok(rows.as_ref().map_err(misfit)?.as_ref().map(Cow::Borrowed))
                    }
                    _ => Err(given_up()),
                }
            }
        }
    }

    /// Looks at its partitions and its size.
    fn look(
        &self,
        name: &str,
        sendable: &Sendable,
        limits: &BatchLimits,
    ) -> Result<(), BatchFault> {
        let members = &self.inner.members;
        let ready = members.rows.iter().zip(sendable.rows()).filter_map(|(statement, values)| {
            let (_, write_set) = self.prepared.get(*statement)?.to_driver()?;
            let name = members.statements.get(*statement)?.name();
            Some(Ready { name, write_set, values })
        });
        let ready: Vec<_> = ready.collect();
        if (members.kind, members.guard) == (BatchKind::Unlogged, BatchGuard::Refuse) {
            return guard::one_partition(&ready, limits);
        }
        let seen = guard::any_partitions(&ready, limits)?;
        if members.kind == BatchKind::Unlogged {
            warnings::several_partitions(name, &seen);
        }
        warnings::large(name, &seen, limits);
        Ok(())
    }
}

/// Which statement's values do not fit.
pub(crate) struct Misfit {
    pub(super) index: usize,
    pub(super) error: SerializationError,
}

/// Shows no value.
impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("kind", &self.kind)
            .field("statements", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BatchPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.members.fmt(f)
    }
}
