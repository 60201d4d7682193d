//! A service to put layers around, in unit tests.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::{Error, Request, Response, Statement, StaticStatement};
use futures::future::BoxFuture;
use tokio::time::sleep;
use tower_service::Service;

static READ: StaticStatement = StaticStatement::new("SELECT v FROM ks.t WHERE k = ?");

/// A read that tells itself from others by its timestamp.
pub(crate) fn request(number: i64) -> Request {
    Request::new(Statement::from_static(&READ), ()).with_timestamp(Some(number))
}

/// Counts what is in flight below a layer, and panics if an instance is called that was not made
/// ready, as a clone never is.
pub(crate) struct Probe {
    seen: Arc<Seen>,
    ready: bool,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) in_flight: AtomicUsize,
    pub(crate) peak: AtomicUsize,
    /// The numbers of the requests, in the order of their calls.
    pub(crate) calls: Mutex<Vec<i64>>,
    behaviour: Mutex<Behaviour>,
}

/// How the service below behaves, from now on.
#[derive(Clone, Copy, Default)]
pub(crate) enum Behaviour {
    #[default]
    AtOnce,
    After(Duration),
    AfterPolls(usize),
    Never,
    PanicInCall,
    PanicInPoll,
}

impl Seen {
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    pub(crate) fn calls(&self) -> Vec<i64> {
        self.calls.lock().unwrap().clone()
    }
}

/// A service, and what is seen of it.
pub(crate) fn probe(behaviour: Behaviour) -> (Probe, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    seen.behave(behaviour);
    (Probe { seen: Arc::clone(&seen), ready: false }, seen)
}

impl Clone for Probe {
    fn clone(&self) -> Self {
        Self { seen: Arc::clone(&self.seen), ready: false }
    }
}

struct InFlight(Arc<Seen>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Service<Request> for Probe {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        let seen = Arc::clone(&self.seen);
        let behaviour = *seen.behaviour.lock().unwrap();
        assert!(!matches!(behaviour, Behaviour::PanicInCall), "panics when it is called");
        seen.calls.lock().unwrap().push(request.timestamp().unwrap_or_default());
        let now = seen.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        seen.peak.fetch_max(now, Ordering::Relaxed);
        let in_flight = InFlight(seen);
        Box::pin(async move {
            let _in_flight = in_flight;
            match behaviour {
                Behaviour::AtOnce | Behaviour::PanicInCall => {}
                Behaviour::After(time) => sleep(time).await,
                Behaviour::AfterPolls(polls) => pend(polls).await,
                Behaviour::Never => std::future::pending().await,
                Behaviour::PanicInPoll => panic!("panics when it is polled"),
            }
            Ok(Response::done(request.statement()))
        })
    }
}

async fn pend(mut polls: usize) {
    poll_fn(|cx| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
