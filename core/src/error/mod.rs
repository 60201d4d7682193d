//! The one error type, the same above and below every layer.

mod advice;
mod class;
mod driver;
mod kind;
mod message;
mod misfit;
mod readiness;
mod reason;
mod recovery;
mod schema_versions;
mod tls;
mod type_names;
mod unreadable;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use advice::Situation;
pub use class::ErrorClass;
pub(crate) use class::Work;
pub(crate) use driver::Failure;
pub use kind::{ErrorKind, Replicas, Waited, WriteType};
#[cfg(feature = "macros")]
pub(crate) use misfit::TypeChanged;
pub(crate) use misfit::{columns, decoded, values_kind};
pub use readiness::Readiness;
pub use reason::FailureReason;
pub use recovery::Recovery;
pub use schema_versions::SchemaVersions;
pub use tls::TlsFault;
pub(crate) use tls::tls_fault;
pub use unreadable::UnreadableType;
pub(crate) use unreadable::{UNTOLD_CLASS, of_answer as unreadable_answer};

use crate::invalid_config::InvalidConfig;
use crate::one_line::OneLine;
use crate::statement::{Statement, StatementKind};

/// What went wrong with one request, or with building a session. One pointer wide; cloning is one
/// atomic increment.
///
/// It says what went wrong ([`kind`](Self::kind)), what that means for the work
/// ([`class`](Self::class)) and which statement it was ([`statement`](Self::statement)).
///
/// Nothing that prints it, `Display`, `Debug` or the chain of sources, shows a bound value, the
/// statement's text, or what the server or the driver wrote, since those quote values. Those words
/// are had by [`server_message`](Self::server_message) and [`cause`](Self::cause) alone.
///
/// A layer makes its own errors with [`Error::other`]:
///
/// ```
/// use cqlstack_core::{Error, ErrorClass, Statement};
///
/// #[derive(Debug)]
/// struct TooBusy;
///
/// impl std::fmt::Display for TooBusy {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("100 requests are in flight already")
///     }
/// }
///
/// impl std::error::Error for TooBusy {}
///
/// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
/// let error = Error::other(ErrorClass::Overload, TooBusy).about(&by_id);
/// assert!(error.downcast_ref::<TooBusy>().is_some());
/// assert_eq!(
///     error.to_string(),
///     "SELECT app.users: 100 requests are in flight already; it was not executed, for reasons of \
///      load; send less, and wait before the next try",
/// );
/// ```
#[doc(alias("ExecutionError", "DriverException"))]
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    class: ErrorClass,
    worst: ErrorClass,
    recovery: Recovery,
    /// Of a layer's own error, which else is a refusal if it was certainly not sent.
    is_out_of_time: bool,
    statement: Option<Statement>,
    /// What the statement does, if more is known of that than it tells itself.
    work: Option<Work>,
    /// What the last of several attempts ended with.
    last: Option<Error>,
    server_message: Option<String>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Inner {
    fn new(kind: ErrorKind, class: ErrorClass) -> Self {
        let (statement, work, last, server_message, cause) = (None, None, None, None, None);
        let recovery = Recovery::of_kind(&kind, class);
        let (worst, is_out_of_time) = (class, false);
        Self {
            kind,
            class,
            worst,
            recovery,
            is_out_of_time,
            statement,
            work,
            last,
            server_message,
            cause,
        }
    }
}

impl Error {
    /// An error of a layer: what it means, and what happened. Its text must say what happened
    /// without showing a value; class and advice are added to it.
    ///
    /// It takes an error, or one in a box, as `tower`'s own layers have them. An `Error` stays what it is, with the class
    /// that it has. [`ErrorClass::Exhausted`] has [`Error::exhausted`].
    ///
    /// ```
    /// use cqlstack_core::{Error, ErrorClass, ErrorKind};
    ///
    /// let timed_out: Box<dyn std::error::Error + Send + Sync> = Box::new(std::fmt::Error);
    /// let error = Error::other(ErrorClass::Ambiguous, timed_out);
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_some());
    ///
    /// let below: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    /// assert_eq!(Error::other(ErrorClass::Permanent, below).class(), ErrorClass::Ambiguous);
    /// ```
    pub fn other(class: ErrorClass, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        match error.into().downcast() {
            Ok(ours) => *ours,
            Err(other) => {
                let inner = Inner::new(ErrorKind::Layer, class);
                Self(Arc::new(Inner { cause: Some(Arc::from(other)), ..inner }))
            }
        }
    }

    /// An error of a layer that sent a request several times and gave up; `worst` is the worst class
    /// of its attempts, [`ErrorClass::Ambiguous`] if one of them was.
    pub fn exhausted(worst: ErrorClass, error: impl StdError + Send + Sync + 'static) -> Self {
        let exhausted = Inner::new(ErrorKind::Layer, ErrorClass::Exhausted);
        Self(Arc::new(Inner { worst, cause: Some(Arc::new(error)), ..exhausted }))
    }

    pub(crate) fn new(kind: ErrorKind, class: ErrorClass) -> Self {
        Self(Arc::new(Inner::new(kind, class)))
    }

    /// An error of building a session, which is about no statement.
    pub(crate) fn setup(kind: ErrorKind) -> Self {
        let class = class::class(&kind, Work::of(StatementKind::Other));
        Self::new(kind, class)
    }

    pub(crate) fn caused_by(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.0).cause = Some(Arc::new(cause));
        self
    }

    /// What the driver reported of a statement. `may_have_failed_over` says that it may have sent
    /// the request to another node before.
    pub(crate) fn of_driver(
        failure: Failure,
        statement: &Statement,
        work: Work,
        may_have_failed_over: bool,
    ) -> Self {
        let Failure { kind, attempted, server_message, cause } = failure;
        let mut class = class::class(&kind, work);
        if attempted && may_have_failed_over {
            class = class.after_failover();
        }
        let is_unconnected = kind == ErrorKind::NoConnection && !attempted;
        let inner = Inner::new(kind, class);
        let recovery = if is_unconnected { Recovery::Reconnect } else { inner.recovery };
        let (statement, work) = (Some(statement.clone()), Some(work));
        Self(Arc::new(Inner { recovery, statement, work, server_message, cause, ..inner }))
    }

    /// Names the statement, if none is named yet.
    #[must_use]
    pub fn about(mut self, statement: &Statement) -> Self {
        if self.0.statement.is_none() {
            Arc::make_mut(&mut self.0).statement = Some(statement.clone());
        }
        self
    }

    /// Names what the last attempt ended with: of a layer that made several. Statement, recovery and advice are
    /// those of the last then.
    #[must_use]
    pub fn after(mut self, last: &Self) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        (inner.statement, inner.work) = (last.0.statement.clone(), last.0.work);
        inner.recovery = last.0.recovery;
        inner.last = Some(last.clone());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// What it means.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.0.class
    }

    /// The worst class of all attempts, where a layer made several; else the class.
    #[must_use]
    pub fn worst_class(&self) -> ErrorClass {
        self.0.worst
    }

    /// What another attempt may hope for.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.0.recovery
    }

    /// Says that nothing refused the request: the time of its attempt was over. A retry may make another one.
    #[must_use]
    pub fn out_of_time(mut self) -> Self {
        Arc::make_mut(&mut self.0).is_out_of_time = true;
        self
    }

    pub(crate) fn is_out_of_time(&self) -> bool {
        self.0.is_out_of_time
    }

    /// Says that the same request would end the same way again, so that no retry sends it.
    #[must_use]
    pub fn finally(mut self) -> Self {
        Arc::make_mut(&mut self.0).recovery = Recovery::Final;
        self
    }

    /// What went wrong in words: `Display` without the statement, the class and the advice.
    #[must_use]
    pub fn what(&self) -> impl fmt::Display {
        message::What(self)
    }

    /// The statement that failed, if it is about one.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        self.0.statement.as_ref()
    }

    /// What the server wrote. **It can contain bound values, keys and CQL**: keep it out of logs.
    #[must_use]
    pub fn server_message(&self) -> Option<&str> {
        self.0.server_message.as_deref()
    }

    /// The error beneath: a layer's, or the driver's. **The driver's texts can contain bound values,
    /// keys and CQL**; that is why they are no [`source`](StdError::source).
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    fn situation(&self) -> Situation<'_> {
        let last = self.0.last.as_ref().unwrap_or(self);
        let by_text = |statement: &Statement| {
            let idempotent = statement.is_idempotent();
            Work { idempotent, ..Work::of(statement.kind()) }
        };
        Situation {
            kind: last.kind(),
            class: self.worst_class(),
            recovery: self.recovery(),
            work: self.0.work.or_else(|| self.statement().map(by_text)),
        }
    }

    /// The error that a layer gave to [`Error::other`] or [`Error::exhausted`], if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.cause()?.downcast_ref()
    }
}

impl From<InvalidConfig> for Error {
    fn from(invalid: InvalidConfig) -> Self {
        Self::new(ErrorKind::InvalidConfig(invalid), ErrorClass::Permanent)
    }
}

/// One line: the statement, what happened, what it means, what to do.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(statement) = self.statement() {
            write!(f, "{}: ", OneLine(statement.name()))?;
        }
        write!(f, "{}", self.what())?;
        if self.0.kind.is_done() {
            f.write_str("; it is done")?;
        } else if self.statement().is_some() && self.worst_class() != ErrorClass::Permanent {
            write!(f, "; {}", self.worst_class().in_words())?;
        }
        match advice::advice(self.situation()) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// As `Display`, in fields.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Error");
        fields.field("kind", &self.0.kind).field("class", &self.0.class);
        if self.0.worst != self.0.class {
            fields.field("worst_class", &self.0.worst);
        }
        if let Some(statement) = self.statement() {
            fields.field("statement", &statement.name());
        }
        if let (ErrorKind::Layer, Some(layer)) = (&self.0.kind, self.cause()) {
            fields.field("layer", &format_args!("{layer}"));
        }
        fields.finish_non_exhaustive()
    }
}

/// The source is what stands beneath a layer's error, which `Display` shows already.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0.kind {
            ErrorKind::Layer => self.cause()?.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Work = Work::of(StatementKind::Write);

    fn failure(kind: ErrorKind) -> Failure {
        Failure { kind, attempted: true, server_message: Some("it was 'hush'".into()), cause: None }
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn nothing_that_prints_shows_the_text_or_the_server_s_words() {
        let insert = Statement::new("INSERT INTO app.users (id, name) VALUES (1, 'hush')");
        let error = Error::of_driver(failure(ErrorKind::Invalid), &insert, WRITE, false);
        assert!(!format!("{error} {error:?} {error:#?}").contains("hush"));
        assert!(error.source().is_none());
        assert_eq!(error.server_message(), Some("it was 'hush'"));
    }

    #[test]
    fn it_says_statement_fact_class_and_what_to_do() {
        let insert = Statement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
        let error = Error::of_driver(failure(ErrorKind::ConnectionBroken), &insert, WRITE, false);
        assert_eq!(error.class(), ErrorClass::Ambiguous);
        assert_eq!(
            error.to_string(),
            "INSERT app.users: the connection broke before the answer came; it may have been \
             applied; read it back before you write it again"
        );
    }

    #[test]
    fn after_a_possible_failover_not_executed_is_ambiguous() {
        let insert = Statement::new("INSERT INTO app.users (id, name) VALUES (?, ?)");
        let bootstrapping = || failure(ErrorKind::Bootstrapping);
        let class = |over| Error::of_driver(bootstrapping(), &insert, WRITE, over).class();
        assert_eq!(class(false), ErrorClass::NotExecuted);
        assert_eq!(class(true), ErrorClass::Ambiguous);
        let never = Failure { attempted: false, ..bootstrapping() };
        let error = Error::of_driver(never, &insert, WRITE, true);
        assert_eq!(error.class(), ErrorClass::NotExecuted);
    }

    #[test]
    fn a_connection_is_waited_for_where_nothing_was_sent() {
        let read = Statement::new("SELECT a FROM t");
        let recovery = |attempted| {
            let failure = Failure { attempted, ..ErrorKind::NoConnection.into() };
            Error::of_driver(failure, &read, Work::of(StatementKind::Read), false).recovery()
        };
        assert_eq!([recovery(false), recovery(true)], [Recovery::Reconnect, Recovery::Wait]);
    }

    #[test]
    fn a_layer_s_error_keeps_its_class_and_is_had_back() {
        let error = Error::exhausted(ErrorClass::Ambiguous, fmt::Error);
        assert_eq!(error.class(), ErrorClass::Exhausted);
        assert_eq!(error.worst_class(), ErrorClass::Ambiguous);
        assert!(error.downcast_ref::<fmt::Error>().is_some());
        assert!(error.downcast_ref::<std::io::Error>().is_none());
        let first = Statement::new("SELECT a FROM first");
        let second = Statement::new("SELECT a FROM second");
        let named = error.about(&first).about(&second);
        assert_eq!(named.statement().map(Statement::name), Some("SELECT first"));
    }
}
