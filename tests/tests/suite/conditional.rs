//! Lightweight transactions on a real Cassandra.

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{
    Client, Conditional, Consistency, ErrorClass, Request, Session, Statement, StatementKind,
};
use cqlstack_middleware::StatementCacheLayer;
use cqlstack_syntax::check::not_applied;
use cqlstack_syntax::{Schema, parse};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceBuilder;

use crate::support::{HEAVY, connect, run};

type CqlService = cqlstack_middleware::cache::StatementCache<Session>;

async fn cached(tables: &[&str]) -> Client<CqlService> {
    let session = connect(tables).await.service().clone();
    let cache = StatementCacheLayer::new(10).unwrap();
    Client::new(ServiceBuilder::new().layer(cache).service(session))
}

#[tokio::test]
async fn what_was_not_applied_comes_with_the_row_that_is_there() {
    let db = connect(&["t (k int PRIMARY KEY, v int, w int)"]).await;
    let insert = "INSERT INTO t (k, v) VALUES (1, 10) IF NOT EXISTS";
    assert!(run(&db, insert).await.conditional::<()>().unwrap().is_applied());
    let found = run(&db, insert).await;
    let row = (1, Some(10), None);
    assert_eq!(
        found.conditional().unwrap(),
        Conditional::<(i32, Option<i32>, Option<i32>)>::NotApplied(vec![row])
    );
    let update = run(&db, "UPDATE t SET v = 11 WHERE k = 1 IF v = 9 AND w = 1").await;
    let row = (Some(10), None);
    assert_eq!(
        update.conditional().unwrap(),
        Conditional::<(Option<i32>, Option<i32>)>::NotApplied(vec![row])
    );
    // There is no such row.
    for text in ["UPDATE t SET v = 1 WHERE k = 2 IF v = 9", "DELETE FROM t WHERE k = 2 IF EXISTS"] {
        let answer = run(&db, text).await;
        assert_eq!(answer.conditional::<(i32,)>().unwrap(), Conditional::NotApplied(vec![]));
    }
    let plain = run(&db, "UPDATE t SET v = 11 WHERE k = 1").await;
    assert!(plain.conditional::<(i32,)>().is_err());
}

/// The version of the row, and who wrote it.
async fn settled(db: &Client<CqlService>, round: i32) -> (i32, i32) {
    let select = Statement::new("SELECT version, owner FROM t WHERE k = 1");
    loop {
        let request = Request::from(&select).with_consistency(Consistency::Serial);
        match db.request(request).await {
            Ok(answer) => return answer.row().unwrap(),
            Err(error) => println!("round {round}: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_lock_optimistically_one_wins_each_round() {
    const TASKS: i32 = 32;
    const ROUNDS: i32 = if HEAVY { 200 } else { 60 };
    let db = cached(&["t (k int PRIMARY KEY, version int, owner int)"]).await;
    let update = Statement::new("UPDATE t SET version = ?, owner = ? WHERE k = 1 IF version = ?");
    assert_eq!(update.kind(), StatementKind::Conditional);
    let insert = Statement::new("INSERT INTO t (k, version, owner) VALUES (1, 0, 0)");
    db.request(&insert).await.unwrap();
    let barrier = Arc::new(Barrier::new(TASKS as usize));
    let mut tasks = JoinSet::new();
    for me in 1..=TASKS {
        let (db, update, barrier) = (db.clone(), update.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            let (mut won, mut open) = (Vec::new(), 0);
            for round in 0..ROUNDS {
                barrier.wait().await;
                let answer = db.execute(&update, (round + 1, me, round)).await;
                let is_mine = match answer {
                    Ok(answer) => match answer.conditional::<(i32,)>().unwrap() {
                        Conditional::Applied => true,
                        Conditional::NotApplied(found) => {
                            assert_eq!(found, [(round + 1,)]);
                            false
                        }
                    },
                    Err(error) => {
                        assert_eq!(error.class(), ErrorClass::Ambiguous, "{error}");
                        open += 1;
                        settled(&db, round).await == (round + 1, me)
                    }
                };
                if is_mine {
                    won.push(round);
                }
            }
            (won, open)
        });
    }
    let results = timeout(Duration::from_secs(300), tasks.join_all()).await.unwrap();
    let mut won: Vec<i32> = results.iter().flat_map(|(won, _)| won.clone()).collect();
    won.sort_unstable();
    println!("{} were ambiguous", results.iter().map(|(_, open)| open).sum::<i32>());
    assert_eq!(won, (0..ROUNDS).collect::<Vec<_>>());
    assert_eq!(settled(&db, ROUNDS).await.0, ROUNDS);
}

/// As a scripted session shows them.
#[tokio::test]
async fn the_columns_of_what_was_found_are_those_that_the_parser_tells() {
    let table =
        "jobs (k int, c int, owner text, version int, leader text STATIC, PRIMARY KEY (k, c))";
    let db = connect(&[table]).await;
    run(&db, "INSERT INTO jobs (k, c, owner, version, leader) VALUES (1, 1, 'o', 1, 'l')").await;
    let schema = format!("CREATE KEYSPACE ks WITH a = 1; USE ks; CREATE TABLE {table}");
    let schema = Schema::from_script(&schema).unwrap();
    let leader = "UPDATE jobs SET leader = 'y' WHERE k = 1 IF leader = 'z'";
    let version = "UPDATE jobs SET owner = 'x' WHERE k = 1 AND c = 1 IF version = 9";
    let insert = "INSERT INTO jobs (k, c) VALUES (1, 1) IF NOT EXISTS";
    let exists = "DELETE FROM jobs WHERE k = 1 AND c = 9 IF EXISTS";
    let batch = |statements: &[&str]| format!("BEGIN BATCH {}; APPLY BATCH", statements.join("; "));
    let texts = [
        insert.to_owned(),
        exists.to_owned(),
        leader.to_owned(),
        version.to_owned(),
        "UPDATE jobs SET owner = 'x' WHERE k = 1 AND c = 1 IF leader = 'z' AND version = 9 AND owner = 'z'"
            .to_owned(),
        "DELETE FROM jobs WHERE k = 1 AND c = 1 IF owner IN ('y', 'z') AND version > 7".to_owned(),
        batch(&[leader, version]),
        batch(&[version, leader]),
        batch(&[insert, &version.replace("c = 1", "c = 2")]),
        batch(&[version, exists]),
        batch(&["INSERT INTO jobs (k, c) VALUES (1, 2)", version]),
    ];
    for text in texts {
        let answer = run(&db, &text).await;
        assert!(!answer.applied().unwrap(), "{text}");
        let theirs: Vec<_> = answer.columns().skip(1).map(|(name, _)| name.to_owned()).collect();
        let parsed = parse(&text).unwrap();
        let ours = not_applied(&[&parsed], false, &schema, Some("ks")).unwrap();
        let ours: Vec<_> = ours.into_iter().map(|(name, _)| name).collect();
        assert_eq!(ours, theirs, "{text}");
    }
}
