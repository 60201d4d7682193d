//! Ends the time of a request, however it ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cqlstack_core::layer::Classify;
use pin_project_lite::pin_project;

use super::guard::Guard;
use crate::recorder::Outcome;

pin_project! {
    /// The answer of [`Metrics`](super::Metrics) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        guard: Option<Guard>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, guard: Guard) -> Self {
        Self { inner, guard: Some(guard) }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Classify,
{
    type Output = Result<T, E>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Looked at where it is: an answer is large, and is not moved on its way up.
        let answer = this.inner.poll(cx);
        let outcome = match &answer {
            Poll::Pending => return answer,
            Poll::Ready(Ok(_)) => Outcome::Answered,
            Poll::Ready(Err(error)) => Outcome::Failed(error.class()),
        };
        // Here, not on drop: the caller may keep a future that is done.
        if let Some(mut guard) = this.guard.take() {
            guard.outcome = outcome;
        }
        answer
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
