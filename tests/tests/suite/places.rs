//! Where a result goes on: stopped anywhere, and gone on with in another session, every row comes once.

use std::num::NonZeroUsize;

use cqlstack_core::{
    Client, ErrorClass, ErrorKind, PageTokenKey, PagingState, Request, Session, Statement,
    StatementKind, StaticStatement,
};
use futures::TryStreamExt;

use crate::cache::cached;
use crate::keyspaces::{in_the_first, use_};
use crate::support::{HEAVY, connect, full_stack, keyspace, run, shared_builder};

const ROWS: i32 = 25;
const PAGE_SIZES: &[u32] = if HEAVY { &[1, 7, 10, 25, 100] } else { &[1, 7, 25] };
/// Of one partition, and of as many as there are rows.
const TEXTS: [&str; 2] = ["SELECT c FROM t WHERE k = 0", "SELECT c FROM scattered"];

fn key() -> PageTokenKey {
    PageTokenKey::new([7; 32])
}

/// Two sessions in the same keyspace, and the rows of each text in their order.
async fn two_sessions() -> (Client<Session>, Client<Session>, Vec<(Statement, Vec<i32>)>) {
    let one =
        connect(&["t (k int, c int, PRIMARY KEY (k, c))", "scattered (c int PRIMARY KEY)"]).await;
    let (writer, _) = cached(one.service());
    let rows = || (0..ROWS).map(|c| (c,));
    for insert in ["INSERT INTO t (k, c) VALUES (0, ?)", "INSERT INTO scattered (c) VALUES (?)"] {
        writer.many(Statement::new(insert), rows()).run().await.unwrap();
    }
    let name = one.service().driver().unwrap().get_keyspace().unwrap();
    let other = shared_builder().await.keyspace(name.as_str()).build().await.unwrap();
    let mut texts = Vec::new();
    for text in TEXTS {
        let all = run(&one, text).await;
        let all: Vec<i32> = all.rows::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect();
        assert_eq!(all.len(), 25);
        texts.push((Statement::new(text), all));
    }
    (one, Client::new(other), texts)
}

async fn rest(db: &Client<Session>, request: Request) -> Vec<i32> {
    db.rows::<(i32,)>(request).map_ok(|(c,)| c).try_collect().await.unwrap()
}

#[tokio::test]
async fn rows_stopped_after_each_of_them() {
    let (one, other, texts) = two_sessions().await;
    let (one, _) = cached(one.service());
    for (statement, all) in &texts {
        for size in PAGE_SIZES.iter().copied() {
            for stop in 0..=25 {
                for (ahead, most) in [(true, None), (false, None), (true, NonZeroUsize::new(1))] {
                    let mut pages = one.pages(Request::from(statement).with_page_size(size));
                    if !ahead {
                        pages = pages.without_prefetch();
                    }
                    if let Some(most) = most {
                        pages = pages.max_pages(most);
                    }
                    let mut rows = pages.rows::<(i32,)>();
                    let mut seen = Vec::new();
                    for _ in 0..stop {
                        seen.extend(rows.next_row().await.unwrap().map(|(c,)| c));
                    }
                    if let Some(place) = rows.next_paging_state() {
                        let here = size as usize * (seen.len() / size as usize);
                        assert_eq!(place.rows_to_skip() as usize, seen.len() - here);
                        // With another page size, so that what is skipped may be of several pages.
                        let request = Request::from(statement).with_page_size(3);
                        seen.extend(rest(&other, request.with_page(place)).await);
                    }
                    assert_eq!(
                        &seen, all,
                        "{stop} rows, pages of {size}, ahead: {ahead}, {most:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_and_tokens_stopped_after_each_page() {
    let (one, other, texts) = two_sessions().await;
    for (statement, all) in &texts {
        for size in PAGE_SIZES.iter().copied() {
            for stop in 0..=25_u32.div_ceil(size) {
                for ahead in [true, false] {
                    let request = || Request::from(statement).with_page_size(size);
                    let tokens = request().with_page_token(&key(), None);
                    let mut pages = one.pages(tokens);
                    if !ahead {
                        pages = pages.without_prefetch();
                    }
                    let (mut seen, mut token) = (Vec::new(), None);
                    for _ in 0..stop {
                        let Some(page) = pages.next_page().await.unwrap() else { break };
                        seen.extend(page.page::<(i32,)>().unwrap().map(|row| row.unwrap().0));
                        token = page.next_page_token().unwrap();
                    }
                    let by_place = match pages.next_paging_state() {
                        Some(place) => rest(&other, request().with_page(place)).await,
                        None => Vec::new(),
                    };
                    let by_token = match &token {
                        Some(token) => {
                            rest(&other, request().with_page_token(&key(), Some(token))).await
                        }
                        // The first page, or no other.
                        None if stop == 0 => rest(&other, request()).await,
                        None => Vec::new(),
                    };
                    for rest in [by_place, by_token] {
                        let seen = [&seen[..], &rest].concat();
                        assert_eq!(&seen, all, "{stop} pages of {size}, ahead: {ahead}");
                    }
                }
            }
        }
    }
}

/// In it as well: an error and the rows after it.
#[tokio::test]
async fn a_row_that_does_not_decode_is_told_and_the_others_follow() {
    let db = connect(&["t (k int, c int, v int, PRIMARY KEY (k, c))"]).await;
    for c in 0..10 {
        let v = if c == 4 { "null".to_owned() } else { c.to_string() };
        run(&db, &format!("INSERT INTO t (k, c, v) VALUES (0, {c}, {v})")).await;
    }
    let all = Request::from(&Statement::new("SELECT v FROM t WHERE k = 0")).with_page_size(3);
    let mut rows = db.rows::<(i32,)>(all.clone());
    let mut seen = Vec::new();
    loop {
        match rows.next_row().await {
            Ok(Some((v,))) => seen.push(v),
            Ok(None) => break,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Rows(_)), "{error}");
                // Gone on with from there, it is not told once more.
                let rest =
                    db.rows::<(i32,)>(all.clone().with_page(rows.next_paging_state().unwrap()));
                assert_eq!(
                    rest.map_ok(|(v,)| v).try_collect::<Vec<_>>().await.unwrap(),
                    [5, 6, 7, 8, 9]
                );
            }
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
}

/// A statement without markers has its keyspace from the result.
#[tokio::test]
async fn a_token_without_markers_fits_no_other_keyspace() {
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let name = keyspace().await;
        let session = shared_builder().await.keyspace(name.as_str()).build().await.unwrap();
        let db = Client::new(session);
        run(&db, "CREATE TABLE members (c int PRIMARY KEY)").await;
        for c in 0..5 {
            run(&db, &format!("INSERT INTO members (c) VALUES ({c})")).await;
        }
        sessions.push(db);
    }
    let statement = Statement::new("SELECT c FROM members");
    for early in [false, true] {
        let request = async |db: &Client<Session>, token: Option<&str>| {
            let request =
                Request::from(&statement).with_page_size(2).with_page_token(&key(), token);
            if early {
                request.bind(&db.service().prepare(&statement).await.unwrap()).unwrap()
            } else {
                request
            }
        };
        let first = sessions[0].request(request(&sessions[0], None).await).await.unwrap();
        let token = first.next_page_token().unwrap().unwrap();
        let here = request(&sessions[0], Some(&token)).await;
        assert_eq!(sessions[0].request(here).await.unwrap().rows_count(), 2);
        let there = request(&sessions[1], Some(&token)).await;
        let error = sessions[1].request(there).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::PageToken);
        // A place is refused as well, in another session and after a `USE` in the same one.
        let place = first.next_page().unwrap();
        let there = Request::from(&statement).with_page(place);
        let error = sessions[1].request(there).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::OtherResult);
    }
}

static ALL: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id");

#[tokio::test]
async fn a_stream_stays_in_the_keyspace_in_which_it_began() {
    let ([a, b], session) = &in_the_first().await;
    for db in [&full_stack(session)] {
        for ahead in [true, false] {
            db.request(use_(a)).await.unwrap();
            let pages = db.pages(Request::from(&ALL).with_page_size(2));
            let mut rows = if ahead { pages } else { pages.without_prefetch() }.rows::<(String,)>();
            let mut seen = Vec::new();
            for turn in 0..3 {
                seen.push(rows.next_row().await.unwrap().unwrap());
                db.request(use_([b, a, b][turn])).await.unwrap();
            }
            let rest: Vec<_> = rows.try_collect().await.unwrap();
            seen.extend(rest);
            assert_eq!(seen.len(), 21);
            assert!(seen.iter().all(|(who,)| who == a), "{seen:?}");
        }
        let here = db.rows::<(String,)>(Request::from(&ALL).with_page_size(2));
        let here: Vec<_> = here.try_collect().await.unwrap();
        assert!(here.len() == 21 && here.iter().all(|(who,)| who == b));
    }
}

/// In the middle of the first page as well.
#[tokio::test]
async fn a_place_stays_in_the_keyspace_of_what_was_read_before_it() {
    let ([a, b], session) = &in_the_first().await;
    let (db, _) = cached(session);
    let all = || Request::from(&ALL).with_page_size(10);
    for stop in [0, 3, 9, 10, 15, 20] {
        db.request(use_(a)).await.unwrap();
        let mut rows = db.rows::<(String,)>(all());
        for _ in 0..stop {
            rows.next_row().await.unwrap().unwrap();
        }
        let place = rows.next_paging_state().unwrap();
        db.request(use_(b)).await.unwrap();
        let rest = db.rows::<(String,)>(all().with_page(place.clone()));
        let rest: Vec<_> = rest.try_collect().await.unwrap();
        let home = if stop == 0 { b } else { a };
        assert_eq!(rest.len(), 21 - stop);
        assert!(rest.iter().all(|(who,)| who == home), "stopped after {stop}");
        let other = shared_builder().await.keyspace(b.as_str()).build().await.unwrap();
        let there = Client::new(other).request(all().with_page(place)).await;
        assert!(stop == 0 || *there.unwrap_err().kind() == ErrorKind::OtherResult);
    }
}

/// What is sent as text is gone on with in the same keyspace, or not at all.
#[tokio::test]
async fn a_text_that_is_read_page_by_page_stays_where_it_began() {
    let ([a, b], session) = &in_the_first().await;
    let db = Client::new(session.clone());
    let text = Statement::from(&ALL).with_kind(StatementKind::Other);
    let request = |place| Request::from(&text).with_page_size(5).with_page(place);
    let first = db.request(request(PagingState::default())).await.unwrap();
    let place = first.next_page().unwrap();
    let token = Request::from(&text).with_page_size(5).with_page_token(&key(), None);
    let token = db.request(token).await.unwrap().next_page_token().unwrap().unwrap();
    let by_token = || Request::from(&text).with_page_size(5).with_page_token(&key(), Some(&token));
    db.request(request(place.clone())).await.unwrap();
    db.request(by_token()).await.unwrap();
    db.request(use_(b)).await.unwrap();
    let error = db.request(request(place.clone())).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OtherResult);
    let error = db.request(by_token()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PageToken);
    db.request(use_(a)).await.unwrap();
    let rows = db.rows::<(String,)>(request(place)).try_collect::<Vec<_>>().await.unwrap();
    assert!(rows.len() == 16 && rows.iter().all(|(who,)| who == a));
}

#[tokio::test]
async fn a_page_of_a_table_that_was_made_anew_is_a_typed_error() {
    let plain = connect(&[]).await;
    let db = full_stack(plain.service());
    let all = Request::from(&Statement::new("SELECT k FROM t")).with_page_size(3);
    let of_value = Statement::new("SELECT k FROM t WHERE v > ? ALLOW FILTERING");
    let of_value = Request::new(&of_value, (-1,)).with_page_size(3);
    for (request, anew, kind) in [
        (all, "k bigint, c int, v int, PRIMARY KEY (k, c)", Some(ErrorKind::OtherResult)),
        // Its key is the same, and its value does not fit any more.
        (of_value, "k int PRIMARY KEY, v float", None),
    ] {
        run(&plain, "DROP TABLE IF EXISTS t").await;
        run(&plain, "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
        let put = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
        db.many(&put, (0..10).map(|k| (k, k))).run().await.unwrap();
        let first = db.request(request.clone().with_page_token(&key(), None)).await.unwrap();
        let (place, token) = (first.next_page().unwrap(), first.next_page_token().unwrap());
        // A column more is no other result.
        run(&plain, "ALTER TABLE t ADD w int").await;
        let second = db.request(request.clone().with_page(place.clone())).await.unwrap();
        assert_eq!(second.rows_count(), 3);
        run(&plain, "DROP TABLE t").await;
        run(&plain, &format!("CREATE TABLE t ({anew})")).await;
        let error = db.request(request.clone().with_page(place)).await.unwrap_err();
        println!("{error}");
        assert_eq!(error.class(), ErrorClass::Permanent);
        assert!(kind.as_ref().is_none_or(|kind| error.kind() == kind));
        let by_token = request.with_page_token(&key(), token.as_deref());
        let error = db.request(by_token).await.unwrap_err();
        println!("{error}");
        assert!(kind.is_none() || *error.kind() == ErrorKind::PageToken);
    }
}
