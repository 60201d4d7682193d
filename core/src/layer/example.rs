use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::layer::Described;
use cqlstack_core::{Error, ErrorClass};
use futures::future::{Either, Ready, ready};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

/// Refuses a request that has less than this time left.
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

#[derive(Debug, Clone)]
struct WorthwhileService<S> {
    inner: S,
    least: Duration,
}

impl<R: Described, S: Service<R, Error = Error> + Clone> Service<R> for WorthwhileService<S> {
    type Response = S::Response;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<S::Response, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let latest = Instant::now() + self.least;
        if request.deadline().is_some_and(|deadline| deadline < latest) {
            let late = std::io::Error::other("too little time is left");
            let error = Error::other(ErrorClass::NotExecuted, late).finally();
            // What was made ready for this request is given back.
            self.inner = self.inner.clone();
            return Either::Right(ready(Err(error.about(request.statement()))));
        }
        Either::Left(self.inner.call(request))
    }
}
