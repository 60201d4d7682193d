//! The user's handle over a stack.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use scylla::serialize::row::SerializeRow;
use tower_service::Service;

use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;

/// Any stack of layers around a session: what a function takes that does not mind which. One that
/// spawns tasks takes `impl Stack + 'static`.
///
/// ```
/// use cqlstack_core::{Client, Error, Stack, Statement};
///
/// async fn count(db: &Client<impl Stack>) -> Result<i64, Error> {
///     db.request(&Statement::new("SELECT count(*) FROM app.users")).await?.value()
/// }
/// ```
pub trait Stack:
    Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send
{
}

impl<S> Stack for S where
    S: Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send
{
}

/// Sends requests through a service: a [`Session`](crate::Session), bare or in layers.
///
/// Each request goes through a clone of the service, which is waited for until it is ready and then
/// called. Dropping a request gives it up; it may have been applied all the same.
///
/// ```no_run
/// use cqlstack_core::{Client, Request, Session, Statement};
/// use std::time::Duration;
///
/// # async fn run(session: Session) -> Result<(), cqlstack_core::Error> {
/// let db = Client::new(session);
/// let by_id = Statement::new("SELECT name FROM app.users WHERE id = ?");
///
/// let (name,): (String,) = db.execute(&by_id, (42_i32,)).await?.row()?;
///
/// let patient = Request::new(&by_id, (43_i32,)).with_timeout(Duration::from_secs(30));
/// let other: Option<(String,)> = db.request(patient).await?.maybe_row()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client<S> {
    service: S,
}

impl<S: Stack> Client<S> {
    /// A handle over this service.
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// Executes a statement with these values; the answer is the first page of rows.
    ///
    /// The future holds nothing of the client and can be spawned. It does nothing until it is polled,
    /// but a write has its timestamp from here.
    #[inline]
    pub fn execute<V>(&self, statement: impl Into<Statement>, values: V) -> Call<S>
    where
        V: SerializeRow + Send + Sync + 'static,
    {
        self.request(Request::new(statement, values))
    }

    /// Sends a request that has options set, or one without values. As [`execute`](Self::execute).
    #[inline]
    pub fn request(&self, request: impl Into<Request>) -> Call<S> {
        Call {
            state: State::Readying { service: self.service.clone(), request: Some(request.into()) },
        }
    }

    /// The service.
    pub fn service(&self) -> &S {
        &self.service
    }
}

pin_project! {
    /// The answer to a [`Client`]'s request, to come: a [`Response`], or what the layers and the
    /// session report.
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<S>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S>
    where
        S: Service<Request>,
    {
        // The clone that was made ready is the one to call: readiness may be a permit that it holds.
        Readying { service: S, request: Option<Request> },
        Calling { #[pin] future: S::Future },
    }
}

impl<S: Service<Request>> Future for Call<S> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Readying { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    State::Calling { future: service.call(request) }
                }
                StateProj::Calling { future } => return future.poll(cx),
            };
            state.set(next);
        }
    }
}

impl<S: Service<Request>> fmt::Debug for Call<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use super::*;

    /// As tower's own rate limit: ready is a state of the instance, which a clone does not share.
    struct OnlyOnceReady(bool);

    impl Clone for OnlyOnceReady {
        fn clone(&self) -> Self {
            Self(false)
        }
    }

    impl Service<Request> for OnlyOnceReady {
        type Response = Response;
        type Error = Error;
        type Future = Ready<Result<Response, Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.0 = true;
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            assert!(std::mem::take(&mut self.0), "called without being ready");
            ready(Ok(Response::done(request.statement())))
        }
    }

    #[tokio::test]
    async fn it_calls_the_instance_that_it_made_ready() {
        let db = Client::new(OnlyOnceReady(false));
        let statement = Statement::new("TRUNCATE t");
        for _ in 0..2 {
            assert!(db.request(&statement).await.is_ok());
        }
    }
}
