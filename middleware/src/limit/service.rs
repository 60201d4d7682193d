//! Takes a permit, or lets the request wait.

use std::sync::Arc;
use std::task::{Context, Poll};

use cqlstack_core::layer::Described;
use tower_service::Service;

use super::error::Refused;
use super::future::{ResponseFuture, WhenFull};
use super::permits::Permits;

/// The service of [`ConcurrencyLimitLayer`](super::ConcurrencyLimitLayer).
#[derive(Debug, Clone)]
pub struct ConcurrencyLimit<S> {
    inner: S,
    permits: Arc<Permits>,
    when_full: WhenFull,
}

impl<S> ConcurrencyLimit<S> {
    pub(super) fn new(inner: S, permits: Arc<Permits>, when_full: WhenFull) -> Self {
        Self { inner, permits, when_full }
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

impl<S, R> Service<R> for ConcurrencyLimit<S>
where
    S: Service<R, Error: From<Refused>> + Clone,
    R: Described,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline]
    fn call(&mut self, request: R) -> ResponseFuture<S, R> {
        if let Some(permit) = self.permits.try_take() {
            return ResponseFuture::running(permit, self.inner.call(request));
        }
        // What the ready instance holds below is not to wait with this request.
        self.inner = self.inner.clone();
        let inner = self.inner.clone();
        ResponseFuture::waiting(inner, request, Arc::clone(&self.permits), self.when_full)
    }
}
