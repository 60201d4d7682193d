//! What a request may cost, to the allocation and to the byte. A process of its own, with an allocator
//! that counts those of the current thread.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use allocation_counter::measure;
use cqlstack_core::layer::Call;
use cqlstack_core::{
    Client, CqlService, Error, Prepared, Request, Response, ResponseFuture, Session, Statement,
    StatementKind, StaticStatement, cql, query,
};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::cache::StatementCache;
use cqlstack_middleware::limit::ConcurrencyLimit;
use cqlstack_middleware::retry::Retry;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use cqlstack_tests::at_once::AtOnce;
use cqlstack_tests::cluster::Cluster;
use futures::FutureExt;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tower::{Layer, ServiceBuilder};

type Layered<S> = Retry<ConcurrencyLimit<StatementCache<S>>, Error>;
type Full<S> = <MetricsLayer as Layer<Layered<S>>>::Service;

/// What is larger is slower: a future is moved once or twice, and each request in flight has one.
const _: () = assert!(size_of::<ResponseFuture>() <= 24);
const _: () = assert!(size_of::<Call<Session>>() <= 160);
const _: () = assert!(size_of::<Call<Full<Session>>>() <= 296);
const _: () = assert!(size_of::<Result<Response, Error>>() <= 64);

fn full<S: CqlService>(session: S) -> Client<Full<S>> {
    let stack = ServiceBuilder::new()
        .layer(MetricsLayer::new())
        .layer(RetryLayer::default())
        .layer(ConcurrencyLimitLayer::new(100).unwrap())
        .layer(StatementCacheLayer::default());
    Client::new(stack.service(session))
}

#[test]
fn the_layers_allocate_nothing() {
    static READ: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");
    let db = full(AtOnce);
    let raw = Request::new(&READ, (1,));
    let bound = raw.clone().bind(&Prepared::made(raw.statement())).unwrap();
    for request in [raw, bound] {
        let send = || db.request(request.clone()).now_or_never().unwrap().unwrap();
        // The first prepares, and finds its place in the metrics; the second makes room for what this
        // thread's instance of the cache remembers, and the third is as all others.
        (0..3).for_each(|_| drop(send()));
        assert_eq!(measure(|| (0..100).for_each(|_| drop(send()))).count_total, 0);
    }
}

#[test]
fn the_first_use_of_a_checked_statement_allocates_nothing() {
    static READ: StaticStatement = StaticStatement::new("SELECT email FROM app.users WHERE id = ?");
    static CHECKED: &StaticStatement = cql!("SELECT email FROM app.users WHERE id = ?");
    let first_use = |statement: &'static StaticStatement| {
        let counted = measure(|| {
            let statement = Statement::from(statement);
            assert_eq!(statement.kind(), StatementKind::Read);
            assert!(statement.is_idempotent() && statement.name() == "SELECT app.users");
            assert_eq!(statement.clone().id(), statement.id());
        });
        counted.count_total
    };
    assert!(first_use(&READ) > 5, "a text is read");
    assert_eq!(first_use(CHECKED), 0);
}

/// `docs/costs.md` says what each one is.
#[test]
fn a_read_through_the_full_stack_has_two_allocations_more_than_the_driver() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::shared()).unwrap();
    let keyspace = runtime.block_on(cluster.keyspace(1)).unwrap();
    let table = format!("{}.users", keyspace.name());
    for text in [
        "CREATE TABLE {t} (id int PRIMARY KEY, name text)",
        "INSERT INTO {t} (id, name) VALUES (1, 'Ada')",
    ] {
        runtime.block_on(cluster.run(text.replace("{t}", &table))).unwrap();
    }
    let text = format!("SELECT name FROM {table} WHERE id = ?");

    let nodes = cluster.contact_points();
    let driver = runtime.block_on(SessionBuilder::new().known_nodes(&nodes).build()).unwrap();
    let theirs = runtime.block_on(driver.prepare(text.clone())).unwrap();
    let by_driver = async || {
        let bound = theirs.clone().bind(&(1,)).unwrap();
        let page = driver.execute_bound_single_page(&bound, PagingState::start()).await;
        let rows = page.unwrap().0.into_rows_result().unwrap();
        assert_eq!(rows.single_row::<(&str,)>().unwrap().0, "Ada");
    };

    let session = runtime.block_on(Session::builder().contact_points(nodes).build()).unwrap();
    let statement = Statement::new(text);
    let prepared = runtime.block_on(session.prepare(&statement)).unwrap();
    let alone = Client::new(session.clone());
    let by_session = async || {
        let mut request = Request::new(&statement, (1,));
        request.attach_prepared(prepared.clone()).unwrap();
        assert_eq!(alone.request(request).await.unwrap().value::<&str>().unwrap(), "Ada");
    };
    let stack = full(session);
    let by_stack = async || {
        let answer = stack.execute(&statement, (1,)).await.unwrap();
        assert_eq!(answer.value::<&str>().unwrap(), "Ada");
    };

    let of_driver = allocations(&runtime, by_driver);
    assert_eq!(of_driver, 9, "the driver's own");
    assert_eq!(allocations(&runtime, by_session), of_driver + 2, "the session");
    assert_eq!(allocations(&runtime, by_stack), of_driver + 2, "the full stack");
}

/// The values are copied, for the session to see this one.
#[test]
fn a_limit_that_is_bound_costs_one_allocation_more_than_one_that_is_written() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::shared()).unwrap();
    let keyspace = runtime.block_on(cluster.keyspace(1)).unwrap();
    let table = format!("{}.readings", keyspace.name());
    let columns = "(sensor int, at int, value text, PRIMARY KEY (sensor, at))";
    runtime.block_on(cluster.run(format!("CREATE TABLE {table} {columns}"))).unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let db = full(runtime.block_on(builder.build()).unwrap());

    let text = format!("SELECT value FROM {table} WHERE sensor = ?");
    let written = Statement::new(format!("{text} AND at > ? LIMIT 7"));
    let bound = Statement::new(format!("{text} LIMIT ?"));
    let by_text = allocations(&runtime, async || {
        db.execute(&written, (1, 7)).await.unwrap();
    });
    for limit in [7, 70_000] {
        let by_value = allocations(&runtime, async || {
            db.execute(&bound, (1, limit)).await.unwrap();
        });
        assert_eq!(by_value, by_text + 1, "{limit}");
    }
}

/// Each keeps its row.
#[test]
fn a_typed_query_allocates_no_more_than_a_tuple() {
    static SELECT: StaticStatement =
        StaticStatement::new("SELECT name, email FROM users WHERE id = ?");
    static INSERT: StaticStatement =
        StaticStatement::new("INSERT INTO users (id, name, email) VALUES (?, ?, ?)");

    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::shared()).unwrap();
    let keyspace = runtime.block_on(cluster.keyspace(1)).unwrap();
    let table = format!(
        "CREATE TABLE {}.users (id int PRIMARY KEY, name text, email text)",
        keyspace.name()
    );
    runtime.block_on(cluster.run(table)).unwrap();
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = runtime.block_on(builder.keyspace(keyspace.name()).build()).unwrap();
    let stack = full(session);
    let (id, name, email) = (1, "Ada".to_owned(), "ada@example.org");

    let written = allocations(&runtime, async || {
        drop(stack.execute(&INSERT, (id, &name, email)).await.unwrap());
    });
    let typed = allocations(&runtime, async || {
        let insert = query!(
            "INSERT INTO users (id, name, email) VALUES (?, ?, ?)", id, name, email; keyspace = "app"
        );
        drop(insert.execute(&stack).await.unwrap());
    });
    assert!(typed <= written, "a write: {typed}, a tuple {written}");

    let read = allocations(&runtime, async || {
        let answer = stack.execute(&SELECT, (id,)).await.unwrap();
        let row: (Option<String>, Option<String>) = answer.row().unwrap();
        assert_eq!(row.0.as_deref(), Some("Ada"));
    });
    let typed = allocations(&runtime, async || {
        let select = query!("SELECT name, email FROM users WHERE id = ?", id; keyspace = "app");
        assert_eq!(select.fetch_one(&stack).await.unwrap().name.as_deref(), Some("Ada"));
    });
    assert!(typed <= read, "a read: {typed}, a tuple {read}");
}

/// Of one read.
fn allocations(runtime: &Runtime, read: impl AsyncFn()) -> u64 {
    let times = async |count: u32| {
        for _ in 0..count {
            timeout(Duration::from_secs(30), read()).await.unwrap();
        }
    };
    // Buffers grow to their size first.
    runtime.block_on(times(200));
    let counted = measure(|| runtime.block_on(times(1_000))).count_total;
    // A keepalive or a timer falls into some run.
    (counted + 500) / 1_000
}
