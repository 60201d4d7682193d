//! The answer to come, by one of two ways.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use cqlstack_core::{Error, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

type Boxed = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

pin_project! {
    /// The answer of a [`StatementCache`](super::StatementCache) to come.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S>
    where
        S: Service<Request>,
    {
        // Bound, or in no need of it.
        Calling { #[pin] future: S::Future },
        // To be prepared first, or known already. In a box, so that the common way stays small.
        Other { future: Boxed },
    }
}

impl<S: Service<Request>> ResponseFuture<S> {
    pub(super) fn calling(future: S::Future) -> Self {
        Self { state: State::Calling { future } }
    }

    pub(super) fn other(
        future: impl Future<Output = Result<Response, Error>> + Send + 'static,
    ) -> Self {
        Self { state: State::Other { future: Box::pin(future) } }
    }
}

impl<S> Future for ResponseFuture<S>
where
    S: Service<Request, Response = Response, Error = Error>,
{
    type Output = Result<Response, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { future } => future.poll(cx),
            StateProj::Other { future } => future.as_mut().poll(cx),
        }
    }
}

impl<S: Service<Request>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
