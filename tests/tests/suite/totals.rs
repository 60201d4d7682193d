//! How long a call takes at most, with the defaults, where no node answers.

use std::time::{Duration, Instant};

use cqlstack_core::{Batch, Client, CqlService, Error, Request, Session, Statement};
use cqlstack_middleware::retry::{Exhausted, StopReason};
use cqlstack_middleware::{RetryLayer, StatementCacheLayer};
use cqlstack_tests::cluster::Cluster;
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt};
use tower::ServiceBuilder;

use crate::support::run;

/// What the retry layer gives a request without a deadline, in all.
const TOTAL: Duration = Duration::from_secs(10);

/// A way to ask, the time that its docs name, and what it ends with.
type Way = (&'static str, Duration, BoxFuture<'static, Option<Error>>);

fn first_uses() -> [Statement; 3] {
    ["SELECT k FROM t WHERE k = 1", "SELECT v FROM t WHERE k = 1", "SELECT k, v FROM t WHERE k = 1"]
        .map(Statement::new)
}

fn ways(db: &Client<impl CqlService>) -> Vec<Way> {
    let read = Statement::new("SELECT k, v FROM t WHERE k = ?");
    let write = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    let [unprepared, other, another] = first_uses();
    let batch = Batch::logged().add(&write, (1, 1)).add(&write, (2, 2));
    let mut rows = db.rows::<(i32, i32)>(Request::new(&read, (1,)));
    let mut pages = db.pages(Request::new(&read, (1,)));
    let many = db.many(&write, (0..50).map(|k| (k, k)));
    let all = db.many(&write, (0..50).map(|k| (k, k)));
    let mut stream = db.many(&write, (0..50).map(|k| (k, k)));
    vec![
        ("execute, a read", TOTAL, db.execute(&read, (1,)).map(Result::err).boxed()),
        ("execute, a write", TOTAL, db.execute(&write, (1, 1)).map(Result::err).boxed()),
        ("request", TOTAL, db.request(Request::new(&read, (1,))).map(Result::err).boxed()),
        ("a first use", TOTAL, db.request(&unprepared).map(Result::err).boxed()),
        ("prepare", TOTAL, db.request(Request::prepare(&other)).map(Result::err).boxed()),
        ("batch", TOTAL, db.request(batch).map(Result::err).boxed()),
        ("rows", TOTAL, async move { rows.next_row().await.err() }.boxed()),
        ("pages", TOTAL, async move { pages.next_page().await.err() }.boxed()),
        ("many", TOTAL, async move { many.run().await.err().map(|error| error.error) }.boxed()),
        (
            "many, all",
            TOTAL,
            async move { all.run_all().await.failed.pop().map(|it| it.1) }.boxed(),
        ),
        ("many, a stream", TOTAL, async move { stream.next().await?.1.err() }.boxed()),
        ("text", TOTAL, db.request(Statement::new("TRUNCATE nowhere.t")).map(Result::err).boxed()),
        ("a first use in a batch", TOTAL, {
            let batch = Batch::logged().add(Statement::new("DELETE FROM t WHERE k = ?"), (1,));
            db.request(batch).map(Result::err).boxed()
        }),
        ("count", TOTAL, db.request(&another).map(Result::err).boxed()),
    ]
}

/// Those of a session, without layers.
fn of_session(session: &Session) -> Vec<Way> {
    let text = Statement::new("SELECT v FROM t WHERE k = 7");
    let (warm, prepares) = (session.clone(), session.clone());
    vec![
        ("Session::prepare", Duration::from_secs(5), {
            async move { prepares.prepare(&text).await.err() }.boxed()
        }),
        ("Session::warm_up", Duration::from_secs(10), {
            async move { warm.warm_up(10).await.nodes.pop()?.error }.boxed()
        }),
    ]
}

#[tokio::test]
async fn each_way_to_ask_ends_in_the_time_that_its_docs_name() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    let name = cluster.keyspace(1).await.unwrap().name().to_owned();
    cluster.run(format!("CREATE TABLE {name}.t (k int PRIMARY KEY, v int)")).await.unwrap();
    let mut asked = Vec::new();
    let never = Duration::from_secs(60);
    for (keepalive, is_default) in [("the default keepalive", true), ("no keepalive", false)] {
        for (preset, retry) in [("default", RetryLayer::default()), ("guide", RetryLayer::guide())]
        {
            let builder = Session::builder().contact_points(cluster.contact_points());
            let builder = if is_default { builder } else { builder.keepalive(never, never) };
            let session = builder.keyspace(&name).build().await.unwrap();
            let stack = ServiceBuilder::new().layer(retry).layer(StatementCacheLayer::default());
            let db = Client::new(stack.service(session.clone()));
            for warm in ["SELECT k, v FROM t WHERE k = ?", "INSERT INTO t (k, v) VALUES (?, ?)"] {
                db.request(Request::prepare(Statement::new(warm))).await.unwrap();
            }
            run(&Client::new(session.clone()), "SELECT key FROM system.local").await;
            let ways = ways(&db).into_iter().chain(of_session(&session));
            asked.extend(ways.map(|way| (format!("{preset}, {keepalive}"), way)));
        }
    }
    cluster.node(0).unwrap().freeze().await.unwrap();
    let asked = asked.into_iter().map(|(stack, (way, time, call))| async move {
        let began = Instant::now();
        let error = call.await;
        (stack, way, time, began.elapsed(), error)
    });
    let ended = join_all(asked).await;
    cluster.node(0).unwrap().resume().await.unwrap();
    for (stack, way, time, took, error) in ended {
        let error = error.expect(way);
        println!(
            "| {stack} | {way} | {:.2} of {} s | {error} |",
            took.as_secs_f64(),
            time.as_secs()
        );
        assert!(took <= time + time / 10, "{stack}, {way}: {took:?}, {error}");
        // Where the driver does not give up the connection before.
        if stack.ends_with("no keepalive") {
            assert!(took >= time * 9 / 10, "{stack}, {way}: {took:?}, {error}");
        }
        if let Some(exhausted) = error.downcast_ref::<Exhausted>() {
            assert!(matches!(exhausted.reason, StopReason::Time | StopReason::Attempts), "{error}");
        }
    }
}
