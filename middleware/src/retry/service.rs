//! Starts a request, and keeps what another attempt needs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use cqlstack_core::Error;
use cqlstack_core::layer::{Classify, Described};
use tokio::time::Instant;
use tower_service::Service;

use super::error::Exhausted;
use super::future::ResponseFuture;
use super::stats::Shared;
use super::time;

/// The service of [`RetryLayer`](super::RetryLayer).
pub struct Retry<S, E = Error> {
    inner: S,
    again: Arc<Again<S, E>>,
}

/// What another attempt needs. Requests share it, since hardly any makes one: each would have to keep
/// a service of its own.
pub(super) struct Again<S, E> {
    /// Locked after a failure only.
    service: Mutex<S>,
    pub(super) shared: Arc<Shared<E>>,
}

impl<S: Clone, E> Retry<S, E> {
    pub(super) fn new(inner: S, shared: Arc<Shared<E>>) -> Self {
        let again = Arc::new(Again { service: Mutex::new(inner.clone()), shared });
        Self { inner, again }
    }
}

impl<S, E> Retry<S, E> {
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

impl<S: Clone, E> Again<S, E> {
    /// A service that nobody else uses.
    pub(super) fn service(&self) -> S {
        self.service.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    #[inline]
    fn call(&mut self, mut request: R) -> ResponseFuture<S, R> {
        let called = Instant::now();
        time::begin(&mut request, called, self.again.shared.policy.max_elapsed);
        let kept = request.clone();
        let first = self.inner.call(request);
        ResponseFuture::new(first, kept, Arc::clone(&self.again), called)
    }
}

impl<S: Clone, E> Clone for Retry<S, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), again: Arc::clone(&self.again) }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for Retry<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &self.again.shared;
        f.debug_struct("Retry").field("inner", &self.inner).field("shared", shared).finish()
    }
}
