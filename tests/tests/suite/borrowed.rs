//! Values that the caller keeps: borrowed, and serialised where they are.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use cqlstack_core::layer::Payload;
use cqlstack_core::{
    Batch, BoxedService, Client, CqlService, Error, ErrorClass, PageTokenKey, Request, Response,
    SerializeRow, Session, Statement,
};
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use futures::future::{join_all, try_join_all};
use futures::{FutureExt, stream};
use scylla::errors::SerializationError;
use scylla::frame::response::result::{ColumnType, NativeType};
use scylla::serialize::value::SerializeValue;
use scylla::serialize::writers::{CellWriter, WrittenCellProof};
use tokio::time::timeout;
use tower::buffer::BufferLayer;
use tower::util::MapErrLayer;
use tower::{Layer, Service, ServiceBuilder};

use crate::support::{connect, full_stack, run};

const TABLE: &str = "t (id int PRIMARY KEY, name text, data blob, ns frozen<list<int>>)";
const INSERT: &str = "INSERT INTO t (id, name, data, ns) VALUES (?, ?, ?, ?)";
const SELECT: &str = "SELECT name, data, ns FROM t WHERE id = ?";

#[derive(SerializeRow)]
struct Thing {
    id: i32,
    name: String,
    data: Vec<u8>,
    ns: Vec<i32>,
}

impl Thing {
    fn new(id: i32) -> Self {
        let bytes = id.to_be_bytes();
        Self { id, name: format!("n{id}"), data: bytes.to_vec(), ns: vec![id; 3] }
    }

    /// Its parts, borrowed.
    fn parts(&self) -> (i32, &str, &[u8], &[i32]) {
        (self.id, &self.name, &self.data, &self.ns)
    }
}

/// Fails each write at first, once it was answered. Its timestamp tells it from others.
#[derive(Clone)]
struct Twice<S>(S, Arc<Mutex<HashSet<Option<i64>>>>);

type Answer = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

impl<S: CqlService> Service<Request> for Twice<S> {
    type Response = Response;
    type Error = Error;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Answer {
        let is_first = !matches!(request.payload(), Payload::Prepare)
            && self.1.lock().unwrap().insert(request.timestamp());
        let answer = self.0.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if is_first {
                return Err(Error::other(ErrorClass::NotExecuted, "once more"));
            }
            Ok(answer)
        })
    }
}

#[derive(Clone)]
struct SentTwice;

impl<S> Layer<S> for SentTwice {
    type Service = Twice<S>;

    fn layer(&self, below: S) -> Twice<S> {
        Twice(below, Arc::default())
    }
}

fn quick() -> RetryLayer {
    RetryLayer::builder().min_delay(Duration::from_millis(1)).retry_if(|_| true).build().unwrap()
}

/// A session alone, and in each of the layers.
fn stacks(session: &Session) -> Vec<(&'static str, Client<BoxedService>)> {
    let session = || Client::new(session.clone());
    let retry = || ServiceBuilder::new().layer(quick()).layer(SentTwice);
    let ours = MapErrLayer::new(|error: tower::BoxError| match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(other) => Error::other(ErrorClass::Permanent, other),
    });
    vec![
        ("alone", session().boxed()),
        ("cache", session().layer(StatementCacheLayer::default()).boxed()),
        ("limit", session().layer(ConcurrencyLimitLayer::new(1).unwrap()).boxed()),
        ("all", full_stack(session().service()).boxed()),
        ("sent twice", session().layer(retry()).boxed()),
        (
            "sent twice, cache above",
            session().layer(SentTwice).layer(StatementCacheLayer::default()).layer(quick()).boxed(),
        ),
        (
            "sent twice, cache below",
            session().layer(StatementCacheLayer::default()).layer(retry()).boxed(),
        ),
        ("in another task", {
            let buffer = ServiceBuilder::new().layer(ours).layer(BufferLayer::new(4));
            session().layer(StatementCacheLayer::default()).layer(buffer).boxed()
        }),
    ]
}

async fn is_there(db: &Client<impl CqlService>, thing: &Thing) {
    let select = Statement::new(SELECT);
    let answer = db.execute(&select, (&thing.id,)).await.unwrap();
    let (name, data, ns): (&str, &[u8], Vec<i32>) = answer.row().unwrap();
    assert_eq!((name, data, &ns), (&*thing.name, &*thing.data, &thing.ns));
}

#[tokio::test]
async fn borrowed_values_go_through_each_stack() {
    let db = connect(&[TABLE]).await;
    let insert = Statement::new(INSERT);
    let cached = Client::new(db.service().clone()).layer(StatementCacheLayer::default());
    let mut ids = 0..;
    let mut things = |count: usize| ids.by_ref().take(count).map(Thing::new).collect::<Vec<_>>();
    for (name, stack) in stacks(db.service()) {
        println!("{name}");
        let all = async {
            let things = things(40);
            for thing in &things[..4] {
                stack.execute(&insert, thing.parts()).await.unwrap();
            }
            stack.execute(&insert, &things[4]).await.unwrap();
            let parts = things[5..10].iter().map(|thing| stack.execute(&insert, thing.parts()));
            try_join_all(parts).await.unwrap();
            let sent = stack.many(&insert, things[10..20].iter().map(Thing::parts)).run().await;
            assert_eq!(sent.unwrap(), 10);
            let rows = stream::iter(things[20..30].iter().map(Ok::<_, Error>));
            let report = stack.many_of(&insert, rows).in_flight(3).unwrap().run_all().await;
            assert_eq!(report.succeeded, 10);
            let batch = things[30..39]
                .iter()
                .fold(Batch::logged(), |batch, thing| batch.add(&insert, thing.parts()));
            stack.request(batch.clone().add(&insert, &things[39])).await.unwrap();
            for thing in &things {
                is_there(&cached, thing).await;
            }
        };
        timeout(Duration::from_secs(60), all).await.unwrap();
    }
}

/// A number of whatever width the column has, that counts how often it is serialised.
struct Counted<'c>(i32, &'c AtomicUsize);

impl SerializeValue for Counted<'_> {
    fn serialize<'b>(
        &self,
        typ: &ColumnType<'_>,
        writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match typ {
            ColumnType::Native(NativeType::BigInt) => i64::from(self.0).serialize(typ, writer),
            _ => self.0.serialize(typ, writer),
        }
    }
}

#[tokio::test]
async fn a_resend_shares_what_was_serialised() {
    let db = connect(&["n (id int PRIMARY KEY)"]).await;
    let insert = Statement::new("INSERT INTO n (id) VALUES (?)");
    let cached =
        || Client::new(db.service().clone()).layer(SentTwice).layer(StatementCacheLayer::default());
    let stack = cached().layer(quick());
    for (id, is_prepared) in [(1, false), (2, true)] {
        let count = AtomicUsize::new(0);
        stack.execute(&insert, (Counted(id, &count),)).await.unwrap();
        assert_eq!(count.into_inner(), 1, "prepared before: {is_prepared}");
    }
    let count = AtomicUsize::new(0);
    let rows = (3..6).map(|id| (Counted(id, &count),));
    stack.many(&insert, rows).run().await.unwrap();
    assert_eq!(count.into_inner(), 3);
    let batches = cached().layer(quick());
    let count = AtomicUsize::new(0);
    let number = |id| (Counted(id, &count),);
    let batch = Batch::logged().add(&insert, number(6)).add(&insert, number(7));
    batches.request(batch).await.unwrap();
    let count = count.into_inner();
    assert_eq!(count, 2);
    assert_eq!(run(&db, "SELECT id FROM n").await.rows::<(i32,)>().unwrap().count(), 7);
}

/// Bytes for the old type would be refused, or be another number.
#[tokio::test]
async fn after_a_change_of_the_table_the_values_are_serialised_anew() {
    let db = connect(&["c (id int PRIMARY KEY, v int)"]).await;
    let stack = Client::new(db.service().clone()).layer(StatementCacheLayer::default());
    let insert = Statement::new("INSERT INTO c (id, v) VALUES (?, ?)");
    let count = AtomicUsize::new(0);
    for id in 0..2 {
        stack.execute(&insert, (id, Counted(7, &count))).await.unwrap();
    }
    run(&db, "DROP TABLE c").await;
    run(&db, "CREATE TABLE c (id int PRIMARY KEY, v bigint)").await;
    stack.execute(&insert, (0, Counted(8, &count))).await.unwrap();
    stack.many(&insert, (1..3).map(|id| (id, Counted(8, &count)))).run().await.unwrap();
    let batch =
        (3..5).fold(Batch::logged(), |batch, id| batch.add(&insert, (id, Counted(8, &count))));
    stack.request(batch).await.unwrap();
    let found = run(&db, "SELECT v FROM c").await;
    assert_eq!(found.rows::<(i64,)>().unwrap().map(Result::unwrap).collect::<Vec<_>>(), [(8,); 5]);
    // Two before, five after, and the first of those once for the table that is gone.
    assert_eq!(count.into_inner(), 8);
}

/// What one was bound to last is nothing to the other.
#[tokio::test]
async fn one_statement_of_two_sessions_has_the_types_of_each() {
    let (narrow, wide) = (
        connect(&["w (id int PRIMARY KEY, v int)"]).await,
        connect(&["w (id int PRIMARY KEY, v bigint)"]).await,
    );
    let insert = Statement::new("INSERT INTO w (id, v) VALUES (?, ?)");
    let count = AtomicUsize::new(0);
    let cached = |db: &Client<Session>| {
        Client::new(db.service().clone()).layer(StatementCacheLayer::default())
    };
    let (first, second) = (cached(&narrow), cached(&wide));
    for id in 0..4 {
        first.execute(&insert, (id, Counted(id, &count))).await.unwrap();
        second.execute(&insert, (id, Counted(id, &count))).await.unwrap();
    }
    assert_eq!(count.into_inner(), 8);
    for id in 0..4 {
        let select = format!("SELECT v FROM w WHERE id = {id}");
        assert_eq!(run(&narrow, &select).await.value::<i32>().unwrap(), id);
        assert_eq!(run(&wide, &select).await.value::<i64>().unwrap(), i64::from(id));
    }
}

/// Without a cache, what was prepared serves one request: nothing is made for it before it is there.
#[tokio::test]
async fn without_a_cache_values_are_serialised_once_for_each_attempt() {
    let db = connect(&["n (id int PRIMARY KEY)"]).await;
    let insert = Statement::new("INSERT INTO n (id) VALUES (?)");
    let count = AtomicUsize::new(0);
    for id in 0..3 {
        db.execute(&insert, (Counted(id, &count),)).await.unwrap();
    }
    assert_eq!(count.into_inner(), 3);
}

#[tokio::test]
async fn options_that_are_set_on_a_call_hold_also_where_its_values_are_serialised_already() {
    let db = connect(&["o (id int PRIMARY KEY, v int)"]).await;
    let stack = full_stack(db.service());
    let insert = Statement::new("INSERT INTO o (id, v) VALUES (?, ?)");
    for (micros, value) in [(100, 1), (300, 3), (200, 2)] {
        let count = AtomicUsize::new(0);
        let call = stack.execute(&insert, (0, Counted(value, &count)));
        call.with(|request| request.with_timestamp(Some(micros))).await.unwrap();
        assert_eq!(count.into_inner(), 1);
    }
    let found = run(&db, "SELECT v, writetime(v) FROM o").await;
    assert_eq!(found.row::<(i32, i64)>().unwrap(), (3, 300));
}

/// A value that cannot be.
struct Panics;

impl SerializeValue for Panics {
    fn serialize<'b>(
        &self,
        _typ: &ColumnType<'_>,
        _writer: CellWriter<'b>,
    ) -> Result<WrittenCellProof<'b>, SerializationError> {
        panic!("no value")
    }
}

#[tokio::test]
async fn a_panic_of_a_value_is_its_caller_s_and_later_requests_work() {
    let db = connect(&["n (id int PRIMARY KEY)"]).await;
    let stack = full_stack(db.service());
    let insert = Statement::new("INSERT INTO n (id) VALUES (?)");
    for id in 0..3 {
        let panicked = AssertUnwindSafe(async { stack.execute(&insert, (Panics,)).await });
        assert!(panicked.catch_unwind().await.is_err());
        timeout(Duration::from_secs(20), stack.execute(&insert, (id,))).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn options_of_one_request_are_set_beside_borrowed_values() {
    let db = connect(&["p (k text, c int, PRIMARY KEY (k, c))"]).await;
    let stack = full_stack(db.service());
    let key = "k".to_owned();
    let insert = Statement::new("INSERT INTO p (k, c) VALUES (?, ?)");
    stack.many(&insert, (0..5).map(|c| (&*key, c))).run().await.unwrap();
    let select = Statement::new("SELECT c FROM p WHERE k = ?");
    let token_key = PageTokenKey::new([7; 32]);
    let (mut token, mut pages) = (None::<String>, Vec::new());
    loop {
        let page = stack.execute(&select, (&*key,)).with(|request| {
            request.with_page_size(2).with_page_token(&token_key, token.as_deref())
        });
        let page = page.await.unwrap();
        let rows = page.page::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect::<Vec<_>>();
        pages.push(rows);
        token = page.next_page_token().unwrap();
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages.concat(), [0, 1, 2, 3, 4]);
    assert!(pages.len() >= 3, "{pages:?}");
}

#[tokio::test]
async fn values_that_do_not_fit_are_told_as_of_owned_ones() {
    let db = connect(&[TABLE]).await;
    let insert = Statement::new(INSERT);
    let wrong = |id| (id, 7, Vec::<u8>::new(), Vec::<i32>::new());
    let owned = db.request(Request::new(&insert, wrong(1))).await.unwrap_err();
    for (name, stack) in stacks(db.service()) {
        if name.starts_with("sent twice") {
            continue;
        }
        let lent = stack.execute(&insert, wrong(1)).await.unwrap_err();
        assert_eq!((lent.kind(), lent.class()), (owned.kind(), owned.class()), "{name}");
        let batch = Batch::logged().add(&insert, Thing::new(1)).add(&insert, wrong(2));
        let lent = stack.request(batch.clone()).await.unwrap_err();
        let owned = db.request(Request::from(batch)).await.unwrap_err();
        assert_eq!((lent.kind(), lent.class()), (owned.kind(), owned.class()), "{name}");
    }
}

/// A layer that goes on without its caller is told that the values are gone, at once.
#[tokio::test]
async fn a_request_whose_caller_is_gone_ends() {
    let db = connect(&[TABLE]).await;
    let insert = Statement::new(INSERT);
    let (kept, mut requests) = tokio::sync::mpsc::unbounded_channel();
    let later = tower::service_fn(move |request: Request| {
        kept.send(request).ok();
        std::future::pending::<Result<Response, Error>>()
    });
    let thing = Thing::new(1);
    let stack = Client::new(later);
    assert!(stack.execute(&insert, thing.parts()).now_or_never().is_none());
    let batch = Batch::logged().add(&insert, thing.parts());
    assert!(stack.request(batch).now_or_never().is_none());
    for _ in 0..2 {
        let request = requests.recv().await.unwrap();
        let answer = timeout(Duration::from_secs(5), db.request(request)).await.unwrap();
        let error = answer.unwrap_err();
        assert!(error.to_string().contains("stayed with the caller"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owned_values_go_to_tasks() {
    let db = connect(&[TABLE]).await;
    let stack = full_stack(db.service());
    let insert = Statement::new(INSERT);
    let tasks = (0..200).map(|id| {
        let Thing { id, name, data, ns } = Thing::new(id);
        tokio::spawn(stack.execute(&insert, (id, name, data, ns)))
    });
    for answer in join_all(tasks).await {
        answer.unwrap().unwrap();
    }
    assert_eq!(run(&db, "SELECT id FROM t").await.rows::<(i32,)>().unwrap().count(), 200);
}
