//! Tasks that a stream owns.

use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::task::JoinError;
use tracing::instrument::Instrumented;
use tracing::{Instrument, Span};

use crate::error::{Error, ErrorClass, ErrorKind};

/// A future that goes on in the span in which its stream was made; or, if there was none, in the one that is current
/// now. Without a subscriber there is none, and that costs next to nothing.
pub(crate) fn in_span<F: Future>(span: &Span, future: F) -> Instrumented<F> {
    if span.is_none() { future.in_current_span() } else { future.instrument(span.clone()) }
}

/// What a task ended with. A panic in it goes on here, as if it had been polled here; none if it was
/// given up, which only the end of its runtime does while its owner waits for it.
pub(crate) fn outcome<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Some(outcome),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

/// The runtime of this thread, or the error of what is awaited where there are neither tasks nor timers.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| no_runtime())
}

#[cold]
pub(crate) fn no_runtime() -> Error {
    let why =
        "there is no tokio runtime here: await it in a task of one, or in `Runtime::block_on`";
    Error::new(ErrorKind::InvalidRequest(why.to_owned()), ErrorClass::Permanent)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use std::future::{Ready, ready};
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use futures::StreamExt;
    use futures::executor::block_on;
    use tokio::time::Instant;
    use tower_service::Service;
    use tracing::{Dispatch, info_span};

    use super::*;
    use crate::testing::{Answer, ScriptedSession};
    use crate::{Client, ColumnType, NativeType, PagingState, Request, Response, Statement};

    /// Notes in which span it is called; each answer is followed by two others.
    #[derive(Clone, Default)]
    struct Noting(Arc<Mutex<Vec<Option<&'static str>>>>);

    impl Service<Request> for Noting {
        type Response = Response;
        type Error = Error;
        type Future = Ready<Result<Response, Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            let mut seen = self.0.lock().unwrap();
            seen.push(Span::current().metadata().map(tracing::Metadata::name));
            let page = PagingState::from_bytes(&[u8::try_from(seen.len()).unwrap()]);
            let answer = Response::done(request.statement());
            ready(Ok(if seen.len().is_multiple_of(3) { answer } else { answer.followed_by(page) }))
        }
    }

    fn select() -> Statement {
        Statement::new("SELECT k FROM t")
    }

    #[tokio::test]
    async fn tasks_of_streams_go_on_in_the_span_of_whoever_made_the_stream() {
        let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let _guard = tracing::dispatcher::set_default(&Dispatch::new(subscriber));
        let service = Noting::default();
        let db = Client::new(service.clone());
        let (pages, many) = info_span!("handler").in_scope(|| {
            let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
            (db.pages(select()), db.many(insert, (0..3).map(|k| (k,))))
        });
        // Awaited elsewhere, as the body of an answer is.
        assert_eq!(pages.count().await, 3);
        assert_eq!(many.count().await, 3);
        let made_outside = db.pages(select());
        assert_eq!(made_outside.count().instrument(info_span!("reader")).await, 3);
        let seen = service.0.lock().unwrap();
        assert_eq!(seen[..6], [Some("handler"); 6]);
        assert_eq!(seen[6..], [Some("reader"); 3]);
    }

    fn is_no_runtime(error: &Error) -> bool {
        error.to_string().contains("no tokio runtime") && error.class() == ErrorClass::Permanent
    }

    #[test]
    fn outside_of_a_runtime_streams_end_with_an_error() {
        let db = Client::new(Noting::default());
        let insert = || Statement::new("INSERT INTO t (k) VALUES (?)");
        let soon = || Instant::now() + Duration::from_secs(1);
        block_on(async {
            let mut pages = db.pages(select());
            assert!(is_no_runtime(&pages.next_page().await.unwrap_err()));
            assert!(pages.next_page().await.unwrap().is_none());
            assert!(pages.next_paging_state().is_some());

            for ordered in [false, true] {
                let many = db.many(insert(), (0..3).map(|k| (k,))).with_deadline(soon());
                let mut many = if ordered { many.ordered() } else { many };
                let (0, Err(error)) = many.next().await.unwrap() else { panic!("it was sent") };
                assert!(is_no_runtime(&error));
                assert!(many.next().await.is_none() && !many.is_complete());
            }

            let many = db.many(insert(), (0..3).map(|k| (k,))).with_deadline(soon());
            let error = many.run().await.unwrap_err();
            assert!(is_no_runtime(&error.error));
            let report = db.many(insert(), (0..3).map(|k| (k,))).run_all().await;
            assert_eq!((report.succeeded, report.failed.len(), report.is_complete), (0, 1, false));
        });
        assert!(db.service().0.lock().unwrap().is_empty());
    }

    /// What was refused before has its answer, and, where that is asked for, in its place.
    #[test]
    fn a_stream_that_leaves_its_runtime_loses_no_row() {
        for ordered in [false, true] {
            let refused = || Answer::error(ErrorKind::Layer);
            let session =
                ScriptedSession::new().then([Answer::done(), refused()]).otherwise(Answer::done());
            let runtime = paused();
            let statement = Statement::new("INSERT INTO t (k) VALUES (?)");
            let db = Client::new(Refusing(session));
            let many = db.many(statement, (0..4).map(|k| (k,))).in_flight(2).unwrap();
            let mut many = Box::pin(if ordered { many.ordered() } else { many });
            let (first, answer) = runtime.block_on(many.next()).unwrap();
            assert!(first == 0 && answer.is_ok());
            // What is in flight ends there.
            runtime.block_on(async { tokio::time::sleep(Duration::from_secs(1)).await });
            let mut rest: Vec<_> = block_on(many.by_ref().collect());
            if !ordered {
                rest.sort_by_key(|(index, _)| *index);
            }
            let indices: Vec<_> = rest.iter().map(|(index, _)| *index).collect();
            assert_eq!(indices, (1..=rest.len()).collect::<Vec<_>>());
            assert!(is_no_runtime(rest.last().unwrap().1.as_ref().unwrap_err()));
            assert!(!many.is_complete());
        }
    }

    /// A layer's refusal, in place of the script's error of a layer.
    #[derive(Clone)]
    struct Refusing(ScriptedSession);

    impl Service<Request> for Refusing {
        type Response = Response;
        type Error = Error;
        type Future = futures::future::BoxFuture<'static, Result<Response, Error>>;

        fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request) -> Self::Future {
            let answer = self.0.call(request);
            Box::pin(async move {
                answer.await.map_err(|_| Error::other(ErrorClass::Overload, "it is full"))
            })
        }
    }

    fn paused() -> tokio::runtime::Runtime {
        let builder = &mut tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    }

    /// The next page is fetched ahead, which has to wait for a runtime.
    #[test]
    fn a_page_that_came_is_given_outside_of_its_runtime_and_the_next_one_within_it() {
        let number =
            |n: i32| Answer::rows([("k", ColumnType::Native(NativeType::Int))], [(n,)]).unwrap();
        let page = PagingState::from_bytes(&[1]);
        let db = Client::new(ScriptedSession::new().then([number(1).followed_by(page), number(2)]));
        let runtime = paused();
        let mut pages = db.pages(select());
        runtime.block_on(async {
            assert!(futures::poll!(std::pin::pin!(pages.next())).is_pending());
            tokio::time::sleep(Duration::from_millis(1)).await;
        });
        let first = block_on(pages.next_page()).unwrap().unwrap();
        assert_eq!(first.value::<i32>().unwrap(), 1);
        assert!(is_no_runtime(&block_on(pages.next_page()).unwrap_err()));
    }
}
