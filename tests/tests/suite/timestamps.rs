//! One timestamp for each logical write.

use cqlstack_core::{Request, Statement};

use crate::support::{connect, run};

const WRITETIME: &str = "SELECT writetime(v) FROM t WHERE k = 1";

#[tokio::test]
async fn the_server_stores_the_request_s_timestamp_and_a_resend_keeps_it() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    let late = Request::new(&insert, (1,));
    let newer = Request::new(&insert, (2,));
    db.request(late.clone()).await.unwrap();
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), late.timestamp().unwrap());
    db.request(newer.clone()).await.unwrap();
    // A resend that comes late does not overwrite what was written in between.
    db.request(late).await.unwrap();
    assert_eq!(run(&db, "SELECT v FROM t WHERE k = 1").await.value::<i32>().unwrap(), 2);
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), newer.timestamp().unwrap());
}

#[tokio::test]
async fn the_user_sets_it_or_leaves_it_to_the_server() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, ?)");
    db.request(Request::new(&insert, (1,)).with_timestamp(Some(77))).await.unwrap();
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), 77);
    let unstamped = Request::new(&insert, (2,)).with_timestamp(None);
    let before = Request::new(&insert, (3,)).timestamp().unwrap();
    db.request(unstamped).await.unwrap();
    // The server counts in milliseconds.
    assert!(run(&db, WRITETIME).await.value::<i64>().unwrap() >= before - 1_000);
}

#[tokio::test]
async fn a_timestamp_in_the_text_goes_before_ours() {
    let db = connect(&["t (k int PRIMARY KEY, v int)"]).await;
    run(&db, "INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 5").await;
    assert_eq!(run(&db, WRITETIME).await.value::<i64>().unwrap(), 5);
}
