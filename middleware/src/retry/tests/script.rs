//! A service that answers as it is told.

use Failure::{Of, Refused};

use super::*;

/// An error that knows no more than what layers may ask.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Of(ErrorClass),
    Refused,
    Exhausted(Box<Exhausted<Failure>>),
}

impl Classify for Failure {
    fn class(&self) -> ErrorClass {
        match self {
            Of(class) => *class,
            Refused => ErrorClass::Overload,
            Self::Exhausted(_) => ErrorClass::Exhausted,
        }
    }

    fn worst_class(&self) -> ErrorClass {
        match self {
            Self::Exhausted(exhausted) => exhausted.worst,
            other => other.class(),
        }
    }

    fn is_refusal(&self) -> bool {
        matches!(self, Refused)
    }
}

impl From<Exhausted<Self>> for Failure {
    fn from(exhausted: Exhausted<Self>) -> Self {
        Self::Exhausted(Box::new(exhausted))
    }
}

#[cfg(feature = "limit")]
impl From<crate::limit::Refused> for Failure {
    fn from(_: crate::limit::Refused) -> Self {
        Refused
    }
}

impl Failure {
    pub(super) fn exhausted(&self) -> &Exhausted<Self> {
        let Self::Exhausted(exhausted) = self else { panic!("{self:?} is not exhausted") };
        exhausted
    }
}

/// Answers with these failures, then well; remembers when it was called, and with which timestamp.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) failures: Arc<Mutex<VecDeque<Failure>>>,
    pub(super) calls: Arc<Mutex<Vec<Seen>>>,
    pub(super) each_takes: Duration,
}

pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) timestamp: Option<i64>,
}

impl Script {
    pub(super) fn new(failures: impl IntoIterator<Item = Failure>) -> Self {
        let failures = Arc::new(Mutex::new(failures.into_iter().collect()));
        Self { failures, calls: Arc::default(), each_takes: Duration::ZERO }
    }

    pub(super) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    pub(super) fn waits(&self) -> Vec<Duration> {
        let calls = self.calls.lock().unwrap();
        calls.windows(2).map(|pair| pair[1].at - pair[0].at).collect()
    }
}

impl Service<Request> for Script {
    type Response = Response;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Response, Failure>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let seen = Seen { at: Instant::now(), timestamp: request.timestamp() };
        self.calls.lock().unwrap().push(seen);
        let failure = self.failures.lock().unwrap().pop_front();
        let each_takes = self.each_takes;
        Box::pin(async move {
            sleep(each_takes).await;
            failure.map_or_else(|| Ok(Response::done(request.statement())), Err)
        })
    }
}
