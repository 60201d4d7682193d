//! Places in a result that are given away, on a real Cassandra.

use std::env;
use std::process::Command;

use cqlstack_core::{
    Client, Error, ErrorClass, ErrorKind, PageTokenKey, Request, Session, Statement,
};
use futures::TryStreamExt;

use crate::cache::cached;
use crate::support::{connect, run, shared_builder};

const TABLE: &str = "t (k int, c int, v text, PRIMARY KEY (k, c))";

fn key() -> PageTokenKey {
    PageTokenKey::new(*b"a secret of the program 32 bytes")
}

fn of_partition() -> Statement {
    Statement::new("SELECT c FROM t WHERE k = ?").with_page_size(10)
}

fn request(k: i32, token: Option<&str>) -> Request {
    Request::new(of_partition(), (k,)).with_page_token(&key(), token)
}

async fn filled(partitions: i32, rows: i32) -> Client<Session> {
    let db = connect(&[TABLE]).await;
    let (writer, _) = cached(db.service());
    let all = (0..partitions).flat_map(|k| (0..rows).map(move |c| (k, c, format!("{c}"))));
    writer
        .many(&Statement::new("INSERT INTO t (k, c, v) VALUES (?, ?, ?)"), all)
        .run()
        .await
        .unwrap();
    db
}

/// The rows of one page, and the token of the next.
async fn page(db: &Client<Session>, request: Request) -> Result<(Vec<i32>, Option<String>), Error> {
    let answer = db.request(request).await?;
    let rows = answer.page::<(i32,)>()?.map(|row| row.map(|(c,)| c));
    Ok((rows.collect::<Result<_, _>>()?, answer.next_page_token()?))
}

fn is_refused(outcome: Result<(Vec<i32>, Option<String>), Error>) -> bool {
    let error = outcome.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Permanent);
    *error.kind() == ErrorKind::PageToken
}

#[tokio::test]
async fn page_by_page_every_row_comes_once() {
    let db = filled(2, 95).await;
    let (mut seen, mut token, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let (rows, next) = page(&db, request(1, token.as_deref())).await.unwrap();
        seen.extend(rows);
        pages += 1;
        token = next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((seen, pages), ((0..95).collect(), 10));
    let plain = db.request(Request::new(of_partition(), (1,))).await.unwrap();
    assert_eq!(plain.next_page_token().unwrap(), None, "nobody asked for one");
}

/// Prepared by the session, bound late by a cache, or bound early: the values are checked all the same.
#[tokio::test]
async fn it_is_of_its_values_its_statement_and_its_table() {
    let db = filled(3, 30).await;
    let (_, token) = page(&db, request(1, None)).await.unwrap();
    let token = token.unwrap();
    assert_eq!(page(&db, request(1, Some(&token))).await.unwrap().0, (10..20).collect::<Vec<_>>());
    assert!(is_refused(page(&db, request(2, Some(&token))).await));
    let (cache, _) = cached(db.service());
    assert!(cache.request(request(1, Some(&token))).await.is_ok());
    let error = cache.request(request(2, Some(&token))).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PageToken);
    println!("{error}");
    let prepared = db.service().prepare(of_partition()).await.unwrap();
    let bound = |k| request(k, Some(&token)).bind(&prepared).unwrap();
    assert!(page(&db, bound(1)).await.is_ok());
    assert!(is_refused(page(&db, bound(2)).await));
    for text in ["SELECT c FROM t WHERE k = ? ORDER BY c DESC", "SELECT  c FROM t WHERE k = ?"] {
        let other = Request::new(Statement::new(text), (1,)).with_page_token(&key(), Some(&token));
        assert!(is_refused(page(&db, other).await), "{text}");
    }
    // The same text means another table in another keyspace.
    let elsewhere = filled(3, 30).await;
    assert!(is_refused(page(&elsewhere, request(1, Some(&token))).await));
    let other_key = PageTokenKey::new([1; 32]);
    let other = Request::new(of_partition(), (1,)).with_page_token(&other_key, Some(&token));
    assert!(is_refused(page(&db, other).await));
}

#[tokio::test]
async fn altered_in_any_place_it_is_refused_before_anything_is_sent() {
    let session = filled(2, 30).await;
    let (db, _) = cached(session.service());
    let first = db.request(request(1, None)).await.unwrap();
    let token = first.next_page_token().unwrap().unwrap();
    let sent = || -> u64 { session.service().nodes().iter().map(|node| node.attempts).sum() };
    let before = sent();
    let mut tried = 0;
    for (place, old) in token.char_indices() {
        for new in "AQgw9-_=+/ \u{e9}".chars().filter(|new| *new != old) {
            let altered = format!("{}{new}{}", &token[..place], &token[place + 1..]);
            let error = db.request(request(1, Some(&altered))).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::PageToken, "{altered}");
            tried += 1;
        }
        if place > 0 {
            let error = db.request(request(1, Some(&token[..place]))).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::PageToken, "cut at {place}");
        }
    }
    println!("{tried} altered tokens of {} characters", token.len());
    assert_eq!(sent(), before);
}

#[tokio::test]
async fn it_is_of_the_page_that_is_read_whatever_was_fetched_ahead() {
    let db = filled(2, 95).await;
    for stop_after in 1..=9 {
        let mut pages = db.pages(request(1, None));
        let (mut seen, mut token) = (Vec::new(), None);
        for _ in 0..stop_after {
            let page = pages.next_page().await.unwrap().unwrap();
            seen.extend(page.page::<(i32,)>().unwrap().map(|row| row.unwrap().0));
            token = page.next_page_token().unwrap();
            // The page ahead is on its way, or there.
            tokio::task::yield_now().await;
        }
        drop(pages);
        let rest = db.rows::<(i32,)>(request(1, token.as_deref()));
        let rest: Vec<_> = rest.map_ok(|(c,)| c).try_collect().await.unwrap();
        seen.extend(rest);
        assert_eq!(seen, (0..95).collect::<Vec<_>>(), "stopped after {stop_after} pages");
    }
}

#[tokio::test]
async fn with_long_keys_it_fits_in_a_url() {
    let db = connect(&["t (k text, c text, v int, PRIMARY KEY (k, c))"]).await;
    let key_of = |c: &str| c.repeat(500);
    let insert = Statement::new("INSERT INTO t (k, c, v) VALUES (?, ?, 1)");
    for c in ["a", "b", "c"] {
        db.execute(&insert, (key_of("k"), key_of(c))).await.unwrap();
    }
    let all = Request::from(&Statement::new("SELECT c FROM t")).with_page_size(1);
    let answer = db.request(all.with_page_token(&key(), None)).await.unwrap();
    let token = answer.next_page_token().unwrap().unwrap();
    println!("{} characters", token.len());
    assert!(token.len() <= 2_048);
}

#[tokio::test]
async fn another_process_goes_on_where_this_one_stopped() {
    let db = filled(2, 30).await;
    let (_, token) = page(&db, request(1, None)).await.unwrap();
    let keyspace = db.service().driver().unwrap().get_keyspace().unwrap();
    let points: Vec<_> = db.service().nodes().iter().map(|node| node.address.to_string()).collect();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "page_tokens::goes_on_by_a_token", "--nocapture"])
        .env("PAGE_TOKEN", token.unwrap())
        .env("PAGE_TOKEN_KEYSPACE", keyspace.as_str())
        .env("CASSANDRA_NODES", points.join(","))
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let rows: Vec<i32> = (10..20).collect();
    assert!(child.status.success() && output.contains(&format!("rows: {rows:?}")), "{output}");
}

#[tokio::test]
#[ignore = "another test runs it, as another process"]
async fn goes_on_by_a_token() {
    let keyspace = env::var("PAGE_TOKEN_KEYSPACE").unwrap();
    let session = shared_builder().await.keyspace(keyspace).build().await.unwrap();
    let db = Client::new(session);
    let token = env::var("PAGE_TOKEN").unwrap();
    println!("rows: {:?}", page(&db, request(1, Some(&token))).await.unwrap().0);
    run(&db, "SELECT k FROM t").await;
}
