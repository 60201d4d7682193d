//! A stack without its type.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tower_service::Service;

use crate::client::{Call, Client, CqlService};
use crate::error::Error;
use crate::request::Request;
use crate::response::Response;

type BoxFuture = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

/// A stack whose type is erased: the service of a [`Client`] that is named without a type parameter.
///
/// [`Client::boxed`] makes it. Cloning is one atomic increment, and each request costs one allocation and an indirect
/// call. It is always ready: the wait until the stack beneath is ready is a part of each request, and ends at the
/// request's deadline.
#[derive(Clone)]
pub struct BoxedService(Arc<dyn Stack>);

trait Stack: Send + Sync {
    fn begin(&self, request: Request) -> BoxFuture;
}

impl<S: CqlService + Sync> Stack for S {
    fn begin(&self, request: Request) -> BoxFuture {
        let mut service = self.clone();
        // The future is polled next, and where the service is not ready, asks it again.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Box::pin(service.call(request)),
            Poll::Ready(Err(error)) => Box::pin(ready(Err(error))),
            Poll::Pending => Box::pin(Call::new(service, request)),
        }
    }
}

impl<S: CqlService + Sync> Client<S> {
    /// Erases the type of the stack, so that the client has a name: `Client`, without a type parameter.
    ///
    /// It is `Clone + Send + Sync + 'static` and has all methods of a client: keep it in a struct, or give it to a web
    /// framework as its state. Each request costs one allocation more.
    ///
    /// ```
    /// use cqlstack_core::{Client, CqlService, Error, StaticStatement};
    ///
    /// static BY_ID: StaticStatement = StaticStatement::new("SELECT name FROM app.users WHERE id = ?");
    ///
    /// #[derive(Clone)]
    /// struct App {
    ///     db: Client,
    /// }
    ///
    /// impl App {
    ///     fn new(stack: impl CqlService + Sync) -> Self {
    ///         Self { db: Client::new(stack).boxed() }
    ///     }
    ///
    ///     async fn name(&self, id: i32) -> Result<Option<String>, Error> {
    ///         let user: Option<(String,)> = self.db.execute(&BY_ID, (id,)).await?.maybe_row()?;
    ///         Ok(user.map(|(name,)| name))
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn boxed(self) -> Client {
        self.erased(|service| BoxedService(Arc::new(service)))
    }
}

impl Service<Request> for BoxedService {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> BoxFuture {
        self.0.begin(request)
    }
}

impl fmt::Debug for BoxedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedService(..)")
    }
}
