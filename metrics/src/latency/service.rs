//! Begins the time of a request.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::layer::{Classify, Described};
use tower_service::Service;

use super::future::ResponseFuture;
use super::guard::{Guard, Shared};

/// The service of [`MetricsLayer`](super::MetricsLayer).
#[derive(Clone)]
pub struct Metrics<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Metrics<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
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

impl<S, R> Service<R> for Metrics<S>
where
    S: Service<R, Error: Classify>,
    R: Described,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, mut request: R) -> Self::Future {
        // Before the call: a panic in it is an outcome as well.
        let guard = Guard::begin(&self.shared, &mut request);
        let future = self.inner.call(request);
        ResponseFuture::new(future, guard)
    }
}

impl<S: fmt::Debug> fmt::Debug for Metrics<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("inner", &self.inner).finish_non_exhaustive()
    }
}
