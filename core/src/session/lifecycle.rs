//! Session lifecycle and graceful shutdown.
//!
//! A session lives in one place, and all handles to it are weak: a request takes hold of it for as long as
//! it lasts. When the session is let go, it ends with the last request, and with it the driver, its tasks
//! and its connections. To take hold is the one atomic up and down that counts requests.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;
use crate::session::inner::Inner;
use crate::session::wait::{SOON, ShutdownSignal, add};
use crate::timer::has_runtime;

/// How long the last requests may take to notice that they are: those that have just begun look once.
const NOTICE: Duration = SOON.saturating_add(Duration::from_millis(150));

pub(in crate::session) struct Lifecycle {
    requests: Weak<Requests>,
    keep: Mutex<Option<Arc<Requests>>>,
    /// What is no request holds the session itself.
    inner: Weak<Inner>,
    closed: AtomicBool,
    ended: watch::Receiver<()>,
    aborted: CancellationToken,
}

/// Held once by each request, and by nothing else but [`Lifecycle`]: the references to it are the requests.
struct Requests(Arc<Inner>);

/// The session, as a request holds it.
pub(in crate::session) struct Entry(Arc<Requests>);

impl Entry {
    /// For what outlives the request, or is no request.
    #[inline]
    pub(in crate::session) fn session(&self) -> &Arc<Inner> {
        &self.0.0
    }
}

impl Deref for Entry {
    type Target = Inner;

    #[inline]
    fn deref(&self) -> &Inner {
        self.session()
    }
}

/// What came of [shutting a session down](crate::Session::shutdown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "it tells whether requests were aborted"]
pub struct Shutdown {
    /// How many requests had no answer when the time was over: each ended with
    /// [`ErrorKind::AbortedByShutdown`](crate::ErrorKind::AbortedByShutdown).
    pub aborted: usize,
    /// Whether the driver and its connections are gone. They stay for as long as a future of a request that
    /// was begun is neither polled nor dropped.
    pub complete: bool,
}

impl Lifecycle {
    pub(in crate::session) fn new(inner: impl FnOnce(ShutdownSignal) -> Inner) -> Self {
        let (sender, ended) = watch::channel(());
        let aborted = CancellationToken::new();
        let signal = ShutdownSignal::new(aborted.clone(), sender);
        let inner = Arc::new(inner(signal));
        let weak = Arc::downgrade(&inner);
        let requests = Arc::new(Requests(inner));
        Self {
            requests: Arc::downgrade(&requests),
            keep: Mutex::new(Some(requests)),
            inner: weak,
            closed: AtomicBool::new(false),
            ended,
            aborted,
        }
    }

    /// Takes hold of the session for a request, unless it is shut down.
    #[inline]
    pub(in crate::session) fn enter(&self) -> Option<Entry> {
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        self.requests.upgrade().map(Entry)
    }

    /// Takes hold of the session for what is no request, unless it is shut down.
    pub(in crate::session) fn session(&self) -> Option<Arc<Inner>> {
        if self.closed.load(Ordering::Relaxed) {
            return None;
        }
        self.inner.upgrade()
    }

    /// Whoever is late finds it closed, or is among those that are waited for.
    pub(in crate::session) async fn shut(&self, time: Duration) -> Shutdown {
        let began = Instant::now();
        self.closed.store(true, Ordering::Relaxed);
        if let Some(inner) = self.inner.upgrade() {
            inner.watcher.stop();
        }
        drop(lock(&self.keep).take());
        let mut ended = self.ended.clone();
        // It never changes: it ends.
        // Outside of a runtime nobody can wait: what is in flight is aborted at once.
        let waits = has_runtime();
        if waits && timeout_at(add(began, time), ended.changed()).await.is_ok() {
            return Shutdown { aborted: 0, complete: true };
        }
        let aborted = self.requests.strong_count();
        self.aborted.cancel();
        let complete = waits && timeout(NOTICE, ended.changed()).await.is_ok();
        Shutdown { aborted, complete }
    }
}
