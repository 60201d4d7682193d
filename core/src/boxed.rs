//! A stack without its type.

use std::any::Any;
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
/// call; two more where the stack is not ready. It is always ready: the wait until the stack beneath is ready is a part of
/// each request, and ends at the request's deadline. So a layer that sheds load while the service below is not ready
/// (`tower`'s `load_shed`) belongs into the stack, and not around this.
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
            Poll::Pending => Box::pin(Call::new(service, request, ())),
        }
    }
}

impl<S: CqlService + Sync> Client<S> {
    /// Erases the type of the stack, so that the client has a name: `Client`, without a type parameter.
    ///
    /// It is `Clone + Send + Sync + 'static` and has all methods of a client: keep it in a struct, or give it to a web
    /// framework as its state. Each request costs one allocation more. A client that is boxed already stays as it is.
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
        self.erased(|service| {
            let boxed = (&service as &dyn Any).downcast_ref::<BoxedService>().cloned();
            boxed.unwrap_or_else(|| BoxedService(Arc::new(service)))
        })
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

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::time::Instant;

    use super::*;
    use crate::testing::{Answer, ScriptedSession};
    use crate::{ErrorKind, PageStream, Statement, Waited};

    /// What a service keeps; nothing of it is generic.
    #[derive(Clone)]
    struct App {
        db: Client,
    }

    const fn is_held<T: Clone + Send + Sync + 'static>() {}
    const _: () = is_held::<App>();

    fn select() -> Statement {
        Statement::new("SELECT n FROM t")
    }

    #[tokio::test]
    async fn it_has_all_that_a_client_has() {
        let session = ScriptedSession::new().otherwise(Answer::done());
        let App { db } = App { db: Client::new(session.clone()).boxed() };
        db.request(select()).await.unwrap();
        db.execute("SELECT n FROM t WHERE k = ?", (1,)).await.unwrap();
        db.request(format!("SELECT n FROM {}", "t")).await.unwrap();
        db.many("INSERT INTO t (n) VALUES (?)", [(1,), (2,)]).run().await.unwrap();
        let mut pages: PageStream = db.pages("SELECT n FROM t");
        assert!(pages.next_page().await.unwrap().is_some());
        db.run_script("TRUNCATE t; TRUNCATE u").await.unwrap();
        assert_eq!(session.executes(), 8);
        assert!(db.session().is_none());
    }

    #[tokio::test]
    async fn boxed_again_it_is_the_same() {
        let db = Client::new(ScriptedSession::new()).boxed();
        let again = db.clone().boxed();
        assert!(Arc::ptr_eq(&db.service().0, &again.service().0));
    }

    /// As `tower`'s limit: readiness is a permit, which the call gives back.
    struct Limited {
        permits: Arc<Semaphore>,
        held: bool,
        calls: Arc<AtomicUsize>,
    }

    impl Clone for Limited {
        fn clone(&self) -> Self {
            Self { permits: self.permits.clone(), held: false, calls: self.calls.clone() }
        }
    }

    impl Service<Request> for Limited {
        type Response = Response;
        type Error = Error;
        type Future = std::future::Ready<Result<Response, Error>>;

        /// Nobody is woken: the test polls again by itself.
        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            if !self.held {
                let Ok(permit) = self.permits.try_acquire() else { return Poll::Pending };
                permit.forget();
                self.held = true;
            }
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            assert!(std::mem::take(&mut self.held), "called without being ready");
            self.permits.add_permits(1);
            self.calls.fetch_add(1, Ordering::Relaxed);
            ready(Ok(Response::done(request.statement())))
        }
    }

    impl Drop for Limited {
        fn drop(&mut self) {
            self.permits.add_permits(usize::from(self.held));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_the_stack_is_not_ready_the_request_waits_with_the_instance_that_was_asked() {
        let permits = Arc::new(Semaphore::new(0));
        let calls = Arc::<AtomicUsize>::default();
        let db =
            Client::new(Limited { permits: permits.clone(), held: false, calls: calls.clone() });
        let db = db.boxed();
        let deadline = Instant::now() + Duration::from_secs(3);
        let late = db.request(Request::from(select()).with_deadline(deadline)).await.unwrap_err();
        let waited = Waited::ForLayers(Duration::from_secs(3));
        assert_eq!(*late.kind(), ErrorKind::DeadlinePassed(waited));
        let mut waits = Box::pin(db.request(select()));
        assert!(futures::poll!(&mut waits).is_pending());
        permits.add_permits(1);
        assert!(matches!(futures::poll!(&mut waits), Poll::Ready(Ok(_))));
        drop(db.request(select()));
        assert_eq!((calls.load(Ordering::Relaxed), permits.available_permits()), (1, 1));
    }
}
