//! Services that answer at once, and what drives a stack over them.

use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cqlstack_core::{Error, Payload, Prepared, Request, Response};
use tower::Service;

/// Answers at once, without an allocation.
#[derive(Debug, Clone)]
pub(super) struct AtOnce;

impl Service<Request> for AtOnce {
    type Response = Response;
    type Error = Error;
    type Future = Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let statement = request.statement();
        ready(Ok(match request.payload() {
            Payload::Prepare => Response::of_prepared(Prepared::made(statement)),
            _ => Response::done(statement),
        }))
    }
}

/// Makes the service ready, calls it, and polls the answer, which is there at once.
pub(super) fn drive<S: Service<Request>>(service: &mut S, request: &Request, requests: u32) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..requests {
        let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) else { return };
        let answer = pin!(service.call(request.clone()));
        let _ = black_box(answer.poll(&mut cx).is_ready());
    }
}
