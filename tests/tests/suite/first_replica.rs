//! Conditional statements, and plain writes beside them, go to the first replica of their token.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::{Client, Conditional, Error, Request, Response, Session};
use cqlstack_tests::cluster::Cluster;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::Row;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::races::{INSERT, INSERT_IF, ROUNDS, UPDATE_IF, one_process, session};
use crate::support::{HEAVY, full_stack, run};

/// How many of the statements of this kind were coordinated by the node that owns the token.
async fn by_the_owner(
    session: &Session,
    read: &PreparedStatement,
    is_conditional: bool,
    keys: i32,
) -> i32 {
    let db = full_stack(session);
    let mut by_the_owner = 0;
    for k in 0..keys {
        let sent = async {
            if is_conditional {
                db.execute(&UPDATE_IF, (2, k, 1)).await
            } else {
                db.execute(&INSERT, (k, 1)).await
            }
        };
        by_the_owner += i32::from(is_by_the_owner(session, read, k, sent).await);
    }
    by_the_owner
}

async fn is_by_the_owner(
    session: &Session,
    read: &PreparedStatement,
    k: i32,
    sent: impl Future<Output = Result<Response, Error>>,
) -> bool {
    let token = read.calculate_token(&(k,)).unwrap().unwrap();
    let cluster = session.driver().unwrap().get_cluster_state();
    let owner = cluster.replica_locator().ring().ring_range(token).next().unwrap().address;
    sent.await.unwrap().coordinator().unwrap().ip() == owner.ip()
}

#[tokio::test]
async fn what_is_ordered_by_a_coordinator_goes_to_the_first_replica() {
    const KEYS: i32 = if HEAVY { 300 } else { 100 };
    let cluster = Cluster::shared_three().await.unwrap();
    let keyspace = cluster.keyspace(3).await.unwrap();
    let session = session(&cluster.contact_points(), keyspace.name(), "by_table").await;
    run(&Client::new(session.clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    let text = format!("SELECT v FROM {}.t WHERE k = ?", keyspace.name());
    let read = session.driver().unwrap().prepare(text).await.unwrap();
    let plain = by_the_owner(&session, &read, false, KEYS).await;
    let by_server = Client::new(session.clone());
    for k in 0..KEYS / 4 {
        // Whatever is said of its timestamp.
        let request = Request::new(&INSERT_IF, (1_000 + k, 1)).with_timestamp(None);
        assert!(is_by_the_owner(&session, &read, 1_000 + k, by_server.request(request)).await);
    }
    let conditional = by_the_owner(&session, &read, true, KEYS).await;
    let beside = by_the_owner(&session, &read, false, KEYS).await;
    println!(
        "of {KEYS} by the first replica: plain writes {plain}, conditional ones {conditional}, plain ones after \
         them {beside}"
    );
    assert!(plain < KEYS * 2 / 3);
    assert!(conditional * 100 >= KEYS * 99 && beside * 100 >= KEYS * 99);
    let points = cluster.contact_points();
    let gone = one_process(&points, keyspace.name(), "by_table", 200).await;
    assert_eq!(gone, [0; 3], "of {ROUNDS} each");
    if HEAVY {
        contention(&session, keyspace.name()).await;
    }
}

/// Rounds a second in which one of many tasks wins a row, by the first replica and by any.
async fn contention(session: &Session, keyspace: &str) {
    const TASKS: i32 = 32;
    const ROUNDS: i32 = 200;
    let text = format!("UPDATE {keyspace}.t SET v = ? WHERE k = ? IF v = ?");
    let prepared = session.driver().unwrap().prepare(text).await.unwrap();
    for turn in 0..3 {
        for by_any in [false, true] {
            let k = 1_000_000 + turn * 2 + i32::from(by_any);
            let db = full_stack(session);
            db.execute(&INSERT, (k, 0)).await.unwrap();
            let began = Instant::now();
            let won = Arc::new(AtomicI32::new(0));
            let mut tasks = JoinSet::new();
            for _ in 0..TASKS {
                let (db, session, prepared) = (db.clone(), session.clone(), prepared.clone());
                let won = Arc::clone(&won);
                tasks.spawn(async move {
                    loop {
                        let v = won.load(Ordering::Relaxed);
                        if v >= ROUNDS {
                            return;
                        }
                        // What was not applied tells what is there: a write without an answer may have been.
                        let now = if by_any {
                            let driver = session.driver().unwrap();
                            let answer = driver.execute_unpaged(&prepared, (v + 1, k, v)).await;
                            answer.ok().map(|answer| {
                                let rows = answer.into_rows_result().unwrap();
                                let row = rows.rows::<Row>().unwrap().next().unwrap().unwrap();
                                let found = row.columns.get(1).cloned().flatten();
                                found.and_then(|v| v.as_int()).unwrap_or(v + 1)
                            })
                        } else {
                            let answer = db.execute(&UPDATE_IF, (v + 1, k, v)).await;
                            answer.ok().map(|answer| {
                                match answer.conditional::<(i32,)>().unwrap() {
                                    Conditional::NotApplied(found) => found[0].0,
                                    Conditional::Applied => v + 1,
                                }
                            })
                        };
                        won.fetch_max(now.unwrap_or(v), Ordering::Relaxed);
                    }
                });
            }
            timeout(Duration::from_secs(200), tasks.join_all()).await.expect("they end");
            let took = began.elapsed().as_secs_f64();
            println!(
                "contention, by any {by_any}: {:.1} rounds a second",
                f64::from(ROUNDS) / took
            );
        }
    }
}
