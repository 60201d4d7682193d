//! The session in a stack of layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use cqlstack_core::layer::{Classify, Described};
use cqlstack_core::{Client, ErrorClass, Session, Statement, StatementKind};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use crate::support::shared_builder;

/// Counts reads, knowing nothing of requests and errors but what the traits of core tell.
#[derive(Clone)]
struct CountReads<S> {
    inner: S,
    reads: Arc<AtomicUsize>,
}

impl<S, R> Service<R> for CountReads<S>
where
    R: Described,
    S: Service<R>,
    S::Error: Classify,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        if request.statement().kind() == StatementKind::Read {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.call(request)
    }
}

async fn session() -> Session {
    shared_builder().await.build().await.unwrap()
}

#[tokio::test]
async fn layers_of_tower_and_of_users_go_around_it() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let count = tower::layer::layer_fn(move |inner: tower::limit::ConcurrencyLimit<Session>| {
        CountReads { inner, reads: Arc::clone(&counted) }
    });
    let stack = ServiceBuilder::new()
        .layer(count)
        .layer(ConcurrencyLimitLayer::new(1))
        .service(session().await);
    let db = Client::new(stack);
    let local = Statement::new("SELECT key FROM system.local");
    for answer in futures::future::join_all((0..10).map(|_| db.request(&local))).await {
        assert_eq!(answer.unwrap().value::<&str>().unwrap(), "local");
    }
    assert_eq!(reads.load(Ordering::Relaxed), 10);
    let wrong = Statement::new("SELECT a FROM nowhere.t");
    let error = db.request(&wrong).await.unwrap_err();
    assert_eq!(Classify::class(&error), ErrorClass::Permanent);
}

#[tokio::test]
async fn it_is_a_service_that_is_always_ready_and_its_clones_are_one_session() {
    let mut session = session().await;
    let id = session.driver().unwrap().session_id();
    assert_eq!(session.clone().driver().unwrap().session_id(), id);
    let ready = session.ready().await.unwrap();
    let local = Statement::new("SELECT key FROM system.local");
    let answer = ready.call((&local).into()).await.unwrap();
    assert_eq!(answer.rows_count(), 1);
    let layered = tower::layer::util::Identity::new().layer(session);
    assert!(Client::new(layered).request(&local).await.is_ok());
}

#[tokio::test]
async fn a_request_that_is_dropped_half_way_leaves_the_session_usable() {
    let db = Client::new(session().await);
    let local = Statement::new("SELECT key FROM system.local");
    for polls in 0..6 {
        let mut request = Box::pin(db.request(&local));
        for _ in 0..polls {
            if futures::poll!(&mut request).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(db.request(&local).await.unwrap().rows_count(), 1);
}

#[tokio::test]
async fn futures_are_send_and_can_be_spawned() {
    let db = Client::new(session().await);
    let local = Statement::new("SELECT key FROM system.local WHERE key = ?");
    let task = tokio::spawn(db.execute(&local, ("local",)));
    drop((db, local));
    assert_eq!(task.await.unwrap().unwrap().rows_count(), 1);
}
