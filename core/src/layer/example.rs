use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::layer::Described;
use cqlstack_core::{Error, ErrorClass};
use futures::future::{Either, Ready, ready};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// Refuses a request that has less than this time left of its deadline.
#[derive(Debug, Clone, Copy)]
struct Worthwhile {
    least: Duration,
}

impl<S> Layer<S> for Worthwhile {
    type Service = WorthwhileService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        WorthwhileService { inner, least: self.least }
    }
}

/// By which callers tell its errors from others.
#[derive(Debug)]
struct TooLate;

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too little time is left: allow more")
    }
}

impl std::error::Error for TooLate {}

#[derive(Debug, Clone)]
struct WorthwhileService<S> {
    inner: S,
    least: Duration,
}

impl<R, S> Service<R> for WorthwhileService<S>
where
    R: Described,
    S: Service<R, Error: From<Error>> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let now = Instant::now();
        let left = request.deadline().map(|end| end.saturating_duration_since(now));
        if left.is_none_or(|left| left >= self.least) {
            return Either::Left(self.inner.call(request));
        }
        // What was made ready for this request is given back.
        self.inner = self.inner.clone();
        let error = Error::other(ErrorClass::NotExecuted, TooLate).finally();
        Either::Right(ready(Err(error.about(request.statement()).into())))
    }
}
