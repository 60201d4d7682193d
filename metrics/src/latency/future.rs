//! Ends the time of a request, however it ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cqlstack_core::Classify;
use pin_project_lite::pin_project;

use super::watch::Watch;
use crate::tally::Outcome;

pin_project! {
    /// The answer of [`Metrics`](super::Metrics) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        watch: Option<Watch>,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, watch: Watch) -> Self {
        Self { inner, watch: Some(watch) }
    }
}

impl<F, T, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Classify,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx));
        // Here, not on drop: the caller may keep a future that is done.
        if let Some(mut watch) = this.watch.take() {
            watch.outcome = match &answer {
                Ok(_) => Outcome::Answered,
                Err(error) => Outcome::Failed(error.class()),
            };
        }
        Poll::Ready(answer)
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
