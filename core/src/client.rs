//! The user's handle over a stack.

use std::fmt;
use std::future::poll_fn;

use scylla::serialize::row::SerializeRow;
use tower_service::Service;

use crate::error::Error;
use crate::request::Request;
use crate::response::Response;
use crate::statement::Statement;

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

impl<S> Client<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone,
{
    /// A handle over this service.
    pub fn new(service: S) -> Self {
        Self { service }
    }

    /// Executes a statement with these values, and returns its answer or the first page of it.
    ///
    /// # Errors
    ///
    /// What the layers and the session report.
    pub async fn execute<V>(
        &self,
        statement: impl Into<Statement>,
        values: V,
    ) -> Result<Response, Error>
    where
        V: SerializeRow + Send + Sync + 'static,
    {
        self.request(Request::new(statement, values)).await
    }

    /// Sends a request that has options set, or one without values.
    ///
    /// # Errors
    ///
    /// What the layers and the session report.
    pub async fn request(&self, request: impl Into<Request>) -> Result<Response, Error> {
        let request = request.into();
        // The clone that was made ready is the one to call: readiness may be a permit that it holds.
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await?;
        service.call(request).await
    }

    /// The service.
    pub fn service(&self) -> &S {
        &self.service
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
    use std::task::{Context, Poll};

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
