//! What drives a stack over a service that answers at once.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cqlstack_core::{Client, CqlService, Request};
use tower::Service;

/// Makes the service ready, calls it, and polls the answer, which is there at once.
pub(super) fn drive<S: Service<Request>>(service: &mut S, request: &Request, requests: u32) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..requests {
        let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) else { return };
        let answer = pin!(service.call(request.clone()));
        let _ = black_box(answer.poll(&mut cx).is_ready());
    }
}

/// As [`drive`], through a client, which has a service for each request.
pub(super) fn drive_client(client: &Client<impl CqlService>, request: &Request, requests: u32) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..requests {
        let answer = pin!(client.request(request.clone()));
        let _ = black_box(answer.poll(&mut cx).is_ready());
    }
}
