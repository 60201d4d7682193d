//! Readiness of a service, waited for until a request's deadline.

use std::task::{Context, Poll};

use tokio::time::Instant;
use tower_service::Service;

use crate::timer::Timer;

/// A service that becomes ready for one request, before the request's deadline or not at all.
///
/// Readiness may be a permit, or a place in a buffer, that others lack. So a layer follows one rule: **an
/// instance that was made ready is called at once, or it is dropped, or replaced by a clone, before
/// anything is awaited or kept.** A layer that has something to wait for waits first, with an instance
/// that is not ready, and makes it ready when it can call it.
///
/// The wait allocates a timer, where the request has a deadline; no wait allocates nothing. Outside of a tokio runtime
/// there are no timers, and a wait until a deadline ends at once.
///
/// ```
/// use std::future::poll_fn;
///
/// use cqlstack_core::layer::{NotReady, Readying};
/// use cqlstack_core::{CqlService, Error, Request};
///
/// /// What a layer does that sends a request after a wait of its own.
/// async fn send<S: CqlService>(service: &S, request: Request) -> Result<(), NotReady<Error>> {
///     let mut readying = Readying::new(service.clone(), request.deadline());
///     poll_fn(|cx| readying.poll::<Request>(cx)).await?;
///     readying.call(request).await.map(drop).map_err(NotReady::Failed)
/// }
/// ```
#[derive(Debug)]
pub struct Readying<S> {
    service: S,
    deadline: Option<Instant>,
    /// Set at the first wait.
    end: Option<Timer>,
}

/// Why a service did not become ready. There will be no other reason: layers handle each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady<E> {
    /// It reported this.
    Failed(E),
    /// The deadline passed first.
    Late,
}

impl<S> Readying<S> {
    /// A service that is not ready yet, and when waiting for it ends.
    #[must_use]
    pub fn new(service: S, deadline: Option<Instant>) -> Self {
        Self { service, deadline, end: None }
    }

    /// Asks whether it is ready. If it is, [`call`](Self::call) it before anything else.
    ///
    /// # Errors
    ///
    /// [`NotReady::Failed`] with what the service reports, [`NotReady::Late`] if the deadline passes
    /// while it is not ready. It is not to be called then.
    #[inline]
    pub fn poll<R>(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NotReady<S::Error>>>
    where
        S: Service<R>,
    {
        match self.service.poll_ready(cx) {
            Poll::Ready(outcome) => Poll::Ready(outcome.map_err(NotReady::Failed)),
            Poll::Pending => self.poll_end(cx).map(|()| Err(NotReady::Late)),
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        // Outside of a runtime nobody can wait until then.
        self.end.get_or_insert_with(|| Timer::at(deadline)).poll(cx)
    }

    /// Calls the service, which has to be ready.
    #[inline]
    pub fn call<R>(&mut self, request: R) -> S::Future
    where
        S: Service<R>,
    {
        self.service.call(request)
    }
}
