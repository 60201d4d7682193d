//! Takes a permit of the statement's class, or lets the request wait for one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use cqlstack_core::layer::{Classify, Described, LoadSign};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::shared::{Ended, Shared};
use crate::limit::future::WhenFull;
use crate::limit::{Refused, ResponseFuture};

/// The service of [`AdaptiveLimitLayer`](super::AdaptiveLimitLayer).
#[derive(Debug, Clone)]
pub struct AdaptiveLimit<S> {
    inner: S,
    shared: Arc<Shared>,
    when_full: WhenFull,
}

impl<S> AdaptiveLimit<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, when_full: WhenFull) -> Self {
        Self { inner, shared, when_full }
    }

    /// The service below.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service below, without this layer.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, R> Service<R> for AdaptiveLimit<S>
where
    S: Service<R, Error: From<Refused> + Classify> + Clone,
    R: Described,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<Measured<S>, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: R) -> ResponseFuture<Measured<S>, R> {
        let class = self.shared.classes.of(&request);
        let limit = &self.shared.limits[class];
        if let Some(permit) = limit.permits.try_take() {
            let measured = Measurement::begin(&self.shared, class);
            let future = MeasuredFuture { future: self.inner.call(request), measured };
            return ResponseFuture::running(permit, future);
        }
        limit.was_full.store(true, Ordering::Relaxed);
        // What the ready instance holds below is not to wait with this request.
        self.inner = self.inner.clone();
        let measured =
            Measured { inner: self.inner.clone(), shared: Arc::clone(&self.shared), class };
        ResponseFuture::waiting(measured, request, Arc::clone(&limit.permits), self.when_full)
    }
}

/// Measures a request that has its permit.
#[derive(Debug, Clone)]
pub struct Measured<S> {
    inner: S,
    shared: Arc<Shared>,
    class: usize,
}

impl<S, R> Service<R> for Measured<S>
where
    S: Service<R, Error: Classify>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MeasuredFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> MeasuredFuture<S::Future> {
        let measured = Measurement::begin(&self.shared, self.class);
        MeasuredFuture { future: self.inner.call(request), measured }
    }
}

pin_project! {
    /// The answer of a request that is measured, to come. Dropped before, it tells nothing.
    #[must_use = "futures do nothing unless polled"]
    pub struct MeasuredFuture<F> {
        #[pin]
        future: F,
        // None of one that was not drawn.
        measured: Option<Measurement>,
    }
}

struct Measurement {
    shared: Arc<Shared>,
    class: usize,
    sent: Instant,
}

impl Measurement {
    #[inline]
    fn begin(shared: &Arc<Shared>, class: usize) -> Option<Self> {
        let sent = shared.begin(class)?;
        Some(Self { shared: Arc::clone(shared), class, sent })
    }
}

impl<F, T, E> Future for MeasuredFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Classify,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // An answer is large: it is looked at where it is.
        let answer = this.future.poll(cx);
        if let (Poll::Ready(answer), Some(measured)) = (&answer, this.measured) {
            let how = match answer {
                Ok(_) => Ended::Answered,
                Err(error) => of_error(error),
            };
            measured.shared.ended(measured.class, measured.sent, how);
        }
        answer
    }
}

#[cold]
fn of_error(error: &impl Classify) -> Ended {
    match error.load_sign() {
        Some(LoadSign::TimedOut) => Ended::TimedOut,
        Some(_) => Ended::Overloaded,
        None => Ended::Aside,
    }
}

impl<F> fmt::Debug for MeasuredFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = self.measured.as_ref().map(|measured| measured.class);
        f.debug_struct("MeasuredFuture").field("class", &class).finish_non_exhaustive()
    }
}
