//! The session that follows a script.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::answer::{Answer, Outcome};
use super::script::Script;
use crate::error::{Error, ErrorKind, Failure};
use crate::lock::lock;
use crate::prepared::{Made, Prepared};
use crate::request::{Payload, Request};
use crate::response::Response;

/// A service in a [`Session`](crate::Session)'s place. See the [module](super).
///
/// Clones are the same session. A request for which the script has no answer is a mistake of the
/// test: the call panics, and names the statement.
#[derive(Clone)]
#[must_use = "a session does nothing until it is called"]
pub struct ScriptedSession {
    inner: Arc<Inner>,
}

struct Inner {
    executes: Mutex<Script>,
    prepares: Mutex<Script>,
    sent: Mutex<Vec<Sent>>,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
    schema: Arc<AtomicU64>,
    is_schema_lost: AtomicBool,
}

/// A request that came to a scripted session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sent {
    /// The request, with its options.
    pub request: Request,
    /// When it came.
    pub at: Instant,
}

impl Sent {
    /// Whether it asked to prepare its statement.
    #[must_use]
    pub fn is_prepare(&self) -> bool {
        matches!(self.request.payload(), Payload::Prepare)
    }
}

impl Default for ScriptedSession {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedSession {
    /// Every statement can be prepared, at once; there is no answer to anything else yet.
    pub fn new() -> Self {
        let inner = Inner {
            executes: Mutex::default(),
            prepares: Mutex::new(Script::always(Answer::done())),
            sent: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            schema: Arc::default(),
            is_schema_lost: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Gives these answers, one after another, to requests with the statement of this name.
    pub fn on(self, name: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.executes).add(name, answers);
        self
    }

    /// Gives these answers, one after another, to requests for which there is none by name.
    pub fn then(self, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.executes).then(answers);
        self
    }

    /// Gives this answer to all requests for which there is no other.
    pub fn otherwise(self, answer: Answer) -> Self {
        lock(&self.inner.executes).otherwise(answer);
        self
    }

    /// Gives these answers, one after another, to prepares of the statement of this name; after that
    /// they succeed again.
    pub fn on_prepare(self, name: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        lock(&self.inner.prepares).add(name, answers);
        self
    }

    /// Gives this answer to all prepares for which there is no other.
    pub fn otherwise_prepare(self, answer: Answer) -> Self {
        lock(&self.inner.prepares).otherwise(answer);
        self
    }

    /// From now on, whatever was prepared before is out of date.
    pub fn change_schema(&self) {
        self.inner.schema.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on whatever was prepared before is out of date, and what is prepared serves one request: as of
    /// a session that can ask no node for the schema.
    pub fn lose_schema(&self) {
        self.inner.is_schema_lost.store(true, Ordering::Relaxed);
        self.change_schema();
    }

    /// Ends what [`lose_schema`](Self::lose_schema) began.
    pub fn find_schema(&self) {
        self.inner.is_schema_lost.store(false, Ordering::Relaxed);
    }

    /// All that came, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.inner.sent).clone()
    }

    /// How many requests came, prepares not counted.
    #[must_use]
    pub fn executes(&self) -> usize {
        lock(&self.inner.sent).iter().filter(|sent| !sent.is_prepare()).count()
    }

    /// How many prepares came.
    #[must_use]
    pub fn prepares(&self) -> usize {
        lock(&self.inner.sent).iter().filter(|sent| sent.is_prepare()).count()
    }

    /// What came and has neither been answered nor dropped.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.inner.in_flight.load(Ordering::Relaxed)
    }

    /// The most that were in flight at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.inner.peak.load(Ordering::Relaxed)
    }
}

/// In flight until dropped.
struct InFlight(Arc<Inner>);

impl InFlight {
    fn new(session: &Arc<Inner>) -> Self {
        let now = session.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        session.peak.fetch_max(now, Ordering::Relaxed);
        Self(Arc::clone(session))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service<Request> for ScriptedSession {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        request.count_sent();
        if let Some(fault) = request.fault() {
            return Box::pin(ready(Err(error(&request, ErrorKind::Batch(fault.clone())))));
        }
        let start = match request.start(None) {
            Ok(start) => start,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        let sent = Sent { request: request.clone(), at: Instant::now() };
        let is_prepare = sent.is_prepare();
        lock(&self.inner.sent).push(sent);
        let scripts = if is_prepare { &self.inner.prepares } else { &self.inner.executes };
        let name = request.statement().name();
        let answer = lock(scripts).next(name);
        let Some(answer) = answer else { panic!("the script has no answer for `{name}`") };
        let in_flight = InFlight::new(&self.inner);
        // As of before the prepare, which a change may overtake.
        let then = self.inner.schema.load(Ordering::Relaxed);
        let is_schema_lost = self.inner.is_schema_lost.load(Ordering::Relaxed);
        Box::pin(async move {
            let session = &in_flight.0;
            sleep(answer.after).await;
            match answer.outcome {
                Outcome::Never => std::future::pending().await,
                Outcome::Error(kind) => Err(error(&request, kind)),
                Outcome::Rows { .. } if is_prepare => {
                    let now = Arc::clone(&session.schema);
                    let made = if is_schema_lost {
                        Made::OneShot
                    } else {
                        Made::While(Box::new(move || now.load(Ordering::Relaxed) == then))
                    };
                    let prepared = Prepared::made_for(request.statement(), made);
                    Ok(Response::of_prepared(prepared))
                }
                Outcome::Rows { rows, next } => {
                    let answer = Answer::to_response(rows, next, request.statement());
                    Ok(answer.started_at(start))
                }
            }
        })
    }
}

/// As a real session makes it: what a node answered may come after a failover.
fn error(request: &Request, kind: ErrorKind) -> Error {
    let attempted = !matches!(
        kind,
        ErrorKind::DeadlinePassed(_)
            | ErrorKind::Closed
            | ErrorKind::InvalidRequest(_)
            | ErrorKind::Batch(_)
            | ErrorKind::PageToken
            | ErrorKind::Values(_)
            | ErrorKind::PrepareTimeout { .. }
            | ErrorKind::PrepareFailed
            | ErrorKind::PrepareUnreadable
            | ErrorKind::PreparedIdsDiffer
            | ErrorKind::KeyspaceUnsettled
            | ErrorKind::KeyspaceChanged
            | ErrorKind::OtherResult
            // As where no node was tried before.
            | ErrorKind::NoConnection
            | ErrorKind::NoStreamId
            | ErrorKind::StatementsForgotten { .. }
    );
    request.error(Failure { attempted, ..kind.into() }, None)
}

impl fmt::Debug for ScriptedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedSession")
            .field("executes", &self.executes())
            .field("prepares", &self.prepares())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::{Client, ColumnType, Consistency, ErrorClass, NativeType, PagingState, Statement};

    fn number(n: i32) -> Answer {
        Answer::rows([("n", ColumnType::Native(NativeType::Int))], [(n,)]).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_come_by_name_then_in_sequence_then_otherwise() {
        let session = ScriptedSession::new()
            .on("named", [number(1)])
            .then([number(2), number(3)])
            .otherwise(number(4));
        let db = Client::new(session);
        let named = Statement::new("SELECT n FROM t").named("named");
        let other = Statement::new("SELECT n FROM t");
        let mut seen = Vec::new();
        for statement in [&other, &named, &named, &named, &other] {
            seen.push(db.request(statement).await.unwrap().value::<i32>().unwrap());
        }
        assert_eq!(seen, [2, 1, 3, 4, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_is_kept_with_its_options_and_its_time() {
        let session =
            ScriptedSession::new().otherwise(Answer::done().after(Duration::from_secs(5)));
        let db = Client::new(session.clone());
        let select = Statement::new("SELECT n FROM t WHERE k = ?");
        db.request(Request::prepare(&select)).await.unwrap();
        let request = Request::new(&select, (1,)).with_consistency(Consistency::One);
        db.request(request.with_page_size(7)).await.unwrap();
        db.request(&select).await.unwrap();
        let sent = session.sent();
        assert!(sent[0].is_prepare() && !sent[1].is_prepare());
        assert_eq!(sent[1].request.consistency(), Some(Consistency::One));
        assert_eq!(sent[1].request.page_size(), Some(7));
        assert_eq!(sent[2].at - sent[1].at, Duration::from_secs(5));
        assert_eq!((session.prepares(), session.executes()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn errors_have_the_class_that_a_real_session_gives_them() {
        let session = ScriptedSession::new().otherwise(Answer::error(ErrorKind::Overloaded));
        let db = Client::new(session);
        let insert = Statement::new("INSERT INTO t (n) VALUES (1)");
        let class = async |statement: &Statement| db.request(statement).await.unwrap_err().class();
        assert_eq!(class(&Statement::new("SELECT n FROM t")).await, ErrorClass::Overload);
        assert_eq!(class(&insert).await, ErrorClass::Ambiguous);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hang_ends_by_dropping_and_is_then_not_in_flight() {
        let session = ScriptedSession::new().otherwise(Answer::never());
        let db = Client::new(session.clone());
        let select = Statement::new("SELECT n FROM t");
        assert!(timeout(Duration::from_secs(60), db.request(&select)).await.is_err());
        assert_eq!((session.in_flight(), session.peak()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn prepares_fail_and_hang_as_told_and_then_succeed() {
        let session = ScriptedSession::new()
            .on_prepare("n", [Answer::error(ErrorKind::Syntax), Answer::never()]);
        let db = Client::new(session.clone());
        let select = Statement::new("SELECT n FROM t").named("n");
        let prepare = || db.request(Request::prepare(&select));
        assert_eq!(*prepare().await.unwrap_err().kind(), ErrorKind::Syntax);
        assert!(timeout(Duration::from_secs(60), prepare()).await.is_err());
        let prepared = prepare().await.unwrap().prepared().unwrap().clone();
        assert!(prepared.is_current());
        session.change_schema();
        assert!(!prepared.is_current());
    }

    #[tokio::test(start_paused = true)]
    async fn pages_follow_one_another() {
        let page = PagingState::from_bytes(&[1]);
        let session = ScriptedSession::new().then([number(1).followed_by(page), number(2)]);
        let db = Client::new(session);
        let select = Statement::new("SELECT n FROM t");
        let first = db.request(&select).await.unwrap();
        assert!(first.rows::<(i32,)>().is_err());
        let next = Request::from(&select).with_page(first.next_page().unwrap());
        assert!(db.request(next).await.unwrap().next_page().is_none());
    }

    #[tokio::test]
    #[should_panic(expected = "the script has no answer for `SELECT t`")]
    async fn a_script_that_runs_out_fails_the_test_and_names_the_statement() {
        let db = Client::new(ScriptedSession::new());
        let _ = db.request(Statement::new("SELECT n FROM t")).await;
    }
}
