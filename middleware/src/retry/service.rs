//! Starts a request, and keeps what another attempt needs.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::{Classify, Described};
use tower_service::Service;

use super::error::Exhausted;
use super::figures::Shared;
use super::future::ResponseFuture;

/// The service of [`RetryLayer`](super::RetryLayer).
pub struct Retry<S, E> {
    inner: S,
    shared: Arc<Shared<E>>,
}

impl<S, E> Retry<S, E> {
    pub(super) fn new(inner: S, shared: Arc<Shared<E>>) -> Self {
        Self { inner, shared }
    }
}

impl<S, R> Service<R> for Retry<S, S::Error>
where
    S: Service<R, Error: Classify + From<Exhausted<S::Error>>> + Clone,
    R: Described + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> ResponseFuture<S, R> {
        let again = request.clone();
        // The instance that was made ready makes the first attempt; the clone becomes ready before
        // the next.
        let inner = self.inner.clone();
        let first = self.inner.call(request);
        ResponseFuture::new(first, inner, again, Arc::clone(&self.shared))
    }
}

impl<S: Clone, E> Clone for Retry<S, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for Retry<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("inner", &self.inner).field("shared", &self.shared).finish()
    }
}
