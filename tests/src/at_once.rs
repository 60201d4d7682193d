//! A session that answers at once, to measure what is around it.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use cqlstack_core::layer::Payload;
use cqlstack_core::{Error, Prepared, Request, Response};
use tower_service::Service;

/// Answers at once, without an allocation; what it prepares is [made](Prepared::made).
#[derive(Debug, Clone)]
pub struct AtOnce;

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
