//! What others do who count requests.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready as ready_or_pending};
use std::time::Instant;

use cqlstack_core::{Error, Request};
use tower::Service;

/// The recipe of most programs: the `histogram!` macro, with the statement's name as a label.
pub(crate) struct ByMacro<S>(pub(crate) S);

impl<S: Service<Request, Future: Unpin>> Service<Request> for ByMacro<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Timed<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (name, started) = (request.statement().name().to_owned(), Instant::now());
        Timed { name, started, inner: self.0.call(request) }
    }
}

pub(crate) struct Timed<F> {
    name: String,
    started: Instant,
    inner: F,
}

impl<F: Future + Unpin> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let output = ready_or_pending!(Pin::new(&mut self.inner).poll(cx));
        let name = std::mem::take(&mut self.name);
        metrics::histogram!("by_macro_seconds", "statement" => name).record(self.started.elapsed());
        Poll::Ready(output)
    }
}

/// Answers at once, over the types that tower-http's layers want.
pub(crate) struct HttpAtOnce;

impl Service<http::Request<Request>> for HttpAtOnce {
    type Response = http::Response<()>;
    type Error = Error;
    type Future = Ready<Result<http::Response<()>, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: http::Request<Request>) -> Self::Future {
        ready(Ok(http::Response::new(())))
    }
}

/// Wraps a request of ours for such a layer.
pub(crate) struct OverHttp<S>(pub(crate) S);

impl<S: Service<http::Request<Request>>> Service<Request> for OverHttp<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.call(http::Request::new(request))
    }
}
