//! The user's handle over a stack.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use scylla::serialize::row::SerializeRow;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::boxed::BoxedService;
use crate::error::{Error, ErrorKind, Waited};
use crate::lending::{IntoRequest, Lend, Recent, RowLender};
use crate::readying::{NotReady, Readying};
use crate::request::Request;
use crate::response::Response;
use crate::session::Session;
use crate::statement::Statement;
use crate::traits::Described;

/// Any stack of layers around a session: what a function takes that does not mind which.
///
/// ```
/// use cqlstack_core::{Client, CqlService, Error, Statement};
///
/// async fn count(db: &Client<impl CqlService>) -> Result<i64, Error> {
///     db.request(&Statement::new("SELECT count(*) FROM app.users")).await?.value()
/// }
/// ```
pub trait CqlService:
    Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static
{
}

impl<S> CqlService for S where
    S: Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static
{
}

/// Sends requests through a service: a [`Session`], bare or in layers.
///
/// Without a type parameter it is over any stack: [`boxed`](Self::boxed) makes it, for a field of a struct or the state
/// of a web framework. [`session`](Self::session) has readiness, health, nodes and shutdown.
///
/// How long a request takes at most is up to its [deadline](Request::with_deadline), or to a retry layer, which sets
/// one where there is none: 10 s after the call by default. Without both, a call of a bare session ends after its
/// attempt timeout, 10 s unless it is set.
///
/// Each request goes through a clone of the service, which is waited for until it is ready, or until the
/// request's deadline or the time of its attempt is over, then called, and dropped: no clone outlives its request with something that
/// others wait for. Dropping a request gives it up; it may have been applied all the same.
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
/// let patient = Request::new(&by_id, (43_i32,)).with_attempt_timeout(Duration::from_secs(30));
/// let other: Option<(String,)> = db.request(patient).await?.maybe_row()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client<S = BoxedService> {
    service: S,
    /// What the stack stands on, as far as that is known.
    session: Option<Session>,
    recent: Recent,
}

impl<S: CqlService> Client<S> {
    /// A client over this service: a [`Session`], what a test puts in its place, or a stack of layers.
    ///
    /// Over a session, [`layer`](Self::layer) puts layers around it, and the client keeps the session.
    pub fn new(service: S) -> Self {
        // Nobody calls the one that is kept, and the one that is given may have been made ready.
        let kept = service.clone();
        drop(service);
        let session = (&kept as &dyn Any).downcast_ref().cloned();
        Self { service: kept, session, recent: Recent::default() }
    }

    /// Puts a layer, or layers, around all that is there; the client still has its [`session`](Self::session).
    ///
    /// Of a `ServiceBuilder` of `tower` the first layer is the outermost.
    ///
    /// ```
    /// use cqlstack_core::{Client, CqlService, Session};
    /// use tower_layer::Layer;
    ///
    /// /// `layers` is for example `ServiceBuilder::new().layer(retry).layer(limit)`.
    /// fn client(session: Session, layers: impl Layer<Session, Service: CqlService + Sync>) -> Client {
    ///     Client::new(session).layer(layers).boxed()
    /// }
    /// ```
    pub fn layer<L>(self, layer: L) -> Client<L::Service>
    where
        L: Layer<S, Service: CqlService>,
    {
        let Self { service, session, .. } = self;
        Client { session, ..Client::new(layer.layer(service)) }
    }

    /// The session on which the stack stands: readiness, health, nodes, profiles and shutdown are there.
    ///
    /// None of a client that was [made](Self::new) of a stack of layers and not of a session, or over something else, as
    /// in a test.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The same without the type of the service.
    pub(crate) fn erased(self, erase: impl FnOnce(S) -> BoxedService) -> Client {
        Client { service: erase(self.service), session: self.session, recent: self.recent }
    }

    /// Executes a statement with these values, owned or borrowed; the answer is the first page of rows.
    ///
    /// The values stay in the future, and are serialised as soon as the prepared statement tells their types: here, if the
    /// client's requests were bound to it before, or by the future. All attempts share what was serialised, as long as
    /// they are bound to the same prepared statement: with a statement cache, until the schema changes.
    ///
    /// The future holds nothing of the client and can be spawned, if the values are `'static`. Nothing is sent until it is
    /// polled, but a write has its timestamp from here. [`Call::with`] sets options.
    ///
    /// A layer that answers before it has sent the request, to send it later, needs a [`Request`], which has its values.
    #[doc(alias("execute_unpaged", "executeAsync", "Query"))]
    #[inline]
    pub fn execute<V>(&self, statement: impl Into<Statement>, values: V) -> Call<S, RowLender<V>>
    where
        V: SerializeRow,
    {
        let (request, lender) = RowLender::lend(statement.into(), values, &self.recent);
        Call::new(self.service.clone(), request, lender)
    }

    /// Sends a request, a batch, or a statement without values. As [`execute`](Self::execute).
    #[inline]
    pub fn request<R: IntoRequest>(&self, request: R) -> Call<S, R::Lender> {
        let (request, lender) = request.into_request();
        Call::new(self.service.clone(), request, lender)
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Sends a request whose values are lent from elsewhere, since it may be sent again.
    #[inline]
    pub(crate) fn lend<L: Lend>(self, request: Request, lender: L) -> Call<S, L> {
        Call::new(self.service, request, lender)
    }

    /// The service.
    pub fn service(&self) -> &S {
        &self.service
    }
}

pin_project! {
    /// The answer to a [`Client`]'s request, to come: a [`Response`], or what the layers and the
    /// session report. It has the values that it lends to the request.
    #[must_use = "futures do nothing unless polled"]
    pub struct Call<S = BoxedService, L = ()>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S>,
        lender: L,
    }
}

impl<S: Service<Request>, L: Lend> Call<S, L> {
    #[inline]
    pub(crate) fn new(service: S, request: Request, lender: L) -> Self {
        let state = State::Begun { service: Some(service), request: Some(request) };
        Self { state, lender }
    }

    /// Sets options of the request: a deadline, a consistency level, the size of a page.
    ///
    /// It does nothing once the future has been polled.
    ///
    /// ```
    /// use cqlstack_core::{Client, CqlService, Error, StaticStatement};
    /// use std::time::Duration;
    ///
    /// static BY_NAME: StaticStatement =
    ///     StaticStatement::new("SELECT user_id FROM app.users_by_email WHERE email = ?");
    ///
    /// async fn find(db: &Client<impl CqlService>, email: &str) -> Result<Option<i32>, Error> {
    ///     let found = db
    ///         .execute(&BY_NAME, (email,))
    ///         .with(|request| request.with_attempt_timeout(Duration::from_millis(50)));
    ///     Ok(found.await?.maybe_row::<(i32,)>()?.map(|(id,)| id))
    /// }
    /// ```
    #[inline]
    pub fn with(mut self, set: impl FnOnce(Request) -> Request) -> Self {
        if let State::Begun { request, .. } = &mut self.state
            && let Some(given) = request.take()
        {
            self.lender.change(request.insert(set(given)));
        }
        self
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S>
    where
        S: Service<Request>,
    {
        Begun { service: Option<S>, request: Option<Request> },
        // The clone that waits to be ready is the one to call: readiness may be a permit that it holds.
        // In a box, so that the common way stays small.
        Readying { waiting: Option<Box<Waiting<S>>> },
        Calling { #[pin] future: S::Future },
        Done,
    }
}

/// A request whose service is not ready.
struct Waiting<S> {
    service: Readying<S>,
    request: Request,
    since: Instant,
}

impl<S: Service<Request, Error = Error>, L: Lend> Future for Call<S, L> {
    type Output = Result<S::Response, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !matches!(*this.state, State::Calling { .. }) {
            ready!(this.state.as_mut().poll_called(cx))?;
            // A statement cache has asked already.
            this.lender.answer();
        }
        let StateProj::Calling { mut future } = this.state.as_mut().project() else {
            return Poll::Pending;
        };
        loop {
            let answer = future.as_mut().poll(cx);
            if answer.is_ready() {
                // Whoever keeps this future keeps nothing of the layers': `tower`'s limit gives a
                // permit back when its future is dropped.
                this.state.set(State::Done);
                this.lender.end();
                return answer;
            }
            if !this.lender.answer_or_register(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl<S: Service<Request, Error = Error>> State<S> {
    /// Calls the service, once it is ready. Never done after the end.
    #[inline]
    fn poll_called(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let next = match self.as_mut().project() {
                StateProj::Calling { .. } => return Poll::Ready(Ok(())),
                StateProj::Done => return Poll::Pending,
                StateProj::Begun { service: place, request } => {
                    // It is polled and called where it is, and moves only to wait.
                    let (Some(service), Some(request)) = (place.as_mut(), request.take()) else {
                        return Poll::Pending;
                    };
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => Self::Calling { future: service.call(request) },
                        Poll::Ready(Err(error)) => {
                            *place = None;
                            return Poll::Ready(Err(error));
                        }
                        Poll::Pending => {
                            let Some(service) = place.take() else { return Poll::Pending };
                            Self::waiting(service, request)
                        }
                    }
                }
                StateProj::Readying { waiting } => {
                    let Some(polled) = waiting else { return Poll::Pending };
                    let outcome = ready!(polled.service.poll::<Request>(cx));
                    let Some(waited) = waiting.take() else { return Poll::Pending };
                    let Waiting { mut service, request, since } = *waited;
                    match outcome {
                        Ok(()) => Self::Calling { future: service.call(request) },
                        Err(NotReady::Failed(error)) => return Poll::Ready(Err(error)),
                        Err(NotReady::Late) => {
                            let waited = Waited::ForLayers(since.elapsed());
                            let late = request.error(ErrorKind::DeadlinePassed(waited), None);
                            return Poll::Ready(Err(late));
                        }
                    }
                }
            };
            self.set(next);
        }
    }

    fn waiting(service: S, request: Request) -> Self {
        let since = Instant::now();
        let service = Readying::new(service, request.latest_after(since));
        Self::Readying { waiting: Some(Box::new(Waiting { service, request, since })) }
    }
}

impl<S: Service<Request>, L> fmt::Debug for Call<S, L> {
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use futures::FutureExt;

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

    /// Not ready while the gate is closed.
    #[derive(Clone)]
    struct Gated(Arc<AtomicBool>, OnlyOnceReady);

    impl Service<Request> for Gated {
        type Response = Response;
        type Error = Error;
        type Future = Ready<Result<Response, Error>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            if !self.0.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
            self.1.poll_ready(cx)
        }

        fn call(&mut self, request: Request) -> Self::Future {
            self.1.call(request)
        }
    }

    #[test]
    fn an_instance_that_waits_is_kept_for_its_request() {
        let open = Arc::new(AtomicBool::new(false));
        let db = Client::new(Gated(Arc::clone(&open), OnlyOnceReady(false)));
        let statement = Statement::new("TRUNCATE t");
        let mut waits = Box::pin(db.request(&statement));
        assert!(waits.as_mut().now_or_never().is_none());
        // Given up while it waits.
        assert!(db.request(&statement).now_or_never().is_none());
        open.store(true, Ordering::Relaxed);
        assert!(db.request(&statement).now_or_never().unwrap().is_ok());
        assert!(waits.now_or_never().unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_layers_are_waited_for_until_the_time_of_the_attempt_is_over() {
        let db = Client::new(Gated(Arc::default(), OnlyOnceReady(false)));
        let time = Duration::from_secs(3);
        let request = || Request::from(&Statement::new("TRUNCATE t"));
        for request in [
            request().with_attempt_timeout(time),
            request().with_deadline(Instant::now() + time * 2),
        ] {
            let began = Instant::now();
            let error = db.request(request).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::DeadlinePassed(Waited::ForLayers(time)));
            assert_eq!(began.elapsed(), time);
            assert!(error.to_string().contains("after 3.0s of waiting for the layers"), "{error}");
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
