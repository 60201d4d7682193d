//! Reading page by page.

use cqlstack_core::{
    Client, ErrorClass, ErrorKind, PagingState, Profile, Request, Session, Statement,
    StaticStatement,
};
use futures::future::try_join_all;

use crate::support::{connect, full_stack};

const ROWS: i32 = 1_000;

async fn filled() -> Client<Session> {
    let db = connect(&["t (k int PRIMARY KEY)"]).await;
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
    let prepared = db.service().prepare(&insert).await.unwrap();
    let writes =
        (0..ROWS).map(|k| db.request(Request::new(&insert, (k,)).bind(&prepared).unwrap()));
    try_join_all(writes).await.unwrap();
    db
}

#[tokio::test]
async fn pages_follow_one_another_until_the_last() {
    let db = filled().await;
    let select = Statement::new("SELECT k FROM t");
    for bound in [true, false] {
        let mut request = Request::from(&select).with_page_size(99);
        if bound {
            request = request.bind(&db.service().prepare(&select).await.unwrap()).unwrap();
        }
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let response = db.request(request.clone()).await.unwrap();
            assert!(response.rows_count() <= 99);
            seen.extend(response.page::<(i32,)>().unwrap().map(|row| row.unwrap().0));
            pages += 1;
            let Some(next) = response.next_page() else { break };
            request = request.with_page(next);
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..ROWS).collect::<Vec<_>>());
        assert_eq!(pages, 11);
    }
}

#[tokio::test]
async fn nothing_is_cut_off_silently() {
    let db = filled().await;
    let select = Statement::new("SELECT k FROM t");
    let page = db.request(Request::from(&select).with_page_size(10)).await.unwrap();
    let error = page.rows::<(i32,)>().unwrap_err();
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Rows(_)));
    let all = db.request(&select).await.unwrap();
    assert_eq!(all.rows::<(i32,)>().unwrap().count(), 1_000);
    assert!(all.next_page().is_none());
}

const EVENTS: &str = "events (day int, at int, id int, PRIMARY KEY (day, at))";

/// Cassandra refuses to sort several partitions page by page.
static LATEST: StaticStatement =
    StaticStatement::new("SELECT id FROM events WHERE day IN ? ORDER BY at DESC").without_paging();

#[tokio::test]
async fn several_partitions_in_order_are_read_without_pages() {
    let session = connect(&[EVENTS]).await;
    let db = full_stack(session.service());
    let insert = Statement::new("INSERT INTO events (day, at, id) VALUES (?, ?, ?)");
    let all = (0..ROWS).map(|id| (id % 3, id, id));
    db.many(&insert, all).run().await.unwrap();
    let newest_first: Vec<i32> = (0..ROWS).filter(|id| id % 3 != 2).rev().collect();
    let paged =
        Statement::new("SELECT id FROM events WHERE day IN ? ORDER BY at DESC").with_page_size(10);
    let mut profile = Profile::default();
    profile.paging = Some(false);
    let ways = [
        Request::new(&LATEST, (vec![0, 1],)),
        Request::new(&paged, (vec![0, 1],)).without_paging(),
        Request::new(paged.clone().without_paging(), (vec![0, 1],)),
        Request::new(paged.clone().with_profile(&profile), (vec![0, 1],)),
        Request::from("SELECT id FROM events WHERE day IN (0, 1) ORDER BY at DESC")
            .without_paging(),
    ];
    for request in ways {
        let answer = db.request(request).await.unwrap();
        let ids = answer.rows::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect::<Vec<_>>();
        assert_eq!(ids, newest_first);
    }
    let error = db.execute(&paged, (vec![0, 1],)).await.unwrap_err();
    assert_eq!((error.kind(), error.class()), (&ErrorKind::Invalid, ErrorClass::Permanent));
}

#[tokio::test]
async fn all_rows_at_once_are_one_page_and_the_last_word_counts() {
    let db = filled().await;
    let select = Statement::new("SELECT k FROM t").without_paging();
    let prepared = db.service().prepare(&select).await.unwrap();
    for request in [Request::from(&select), Request::from(&select).bind(&prepared).unwrap()] {
        assert!(request.is_unpaged() && request.page_size().is_none());
        let all = db.request(request.clone()).await.unwrap();
        assert_eq!((all.rows_count(), all.next_page().is_none()), (1_000, true));
        let mut pages = db.pages(request.clone());
        assert_eq!(pages.next_page().await.unwrap().unwrap().rows_count(), 1_000);
        assert!(pages.next_page().await.unwrap().is_none());

        let page = db.request(request.clone().with_page_size(7)).await.unwrap();
        assert_eq!(page.rows_count(), 7);
        let within = request.clone().with_page(page.next_page().unwrap());
        let error = db.request(within).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)), "{error}");
        let skipping = request.with_page(PagingState::default().with_rows_to_skip(3));
        assert!(db.request(skipping).await.is_err());
    }
    // Of a write it says nothing.
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)").without_paging();
    db.execute(&insert, (1,)).await.unwrap();
}

#[tokio::test]
async fn a_place_goes_on_from_its_bytes_in_another_session() {
    let db = filled().await;
    let other = full_stack(db.service());
    let select = Request::from(&Statement::new("SELECT k FROM t")).with_page_size(50);
    let mut rows = db.rows::<(i32,)>(select.clone());
    let mut seen = Vec::new();
    for _ in 0..333 {
        seen.push(rows.next_row().await.unwrap().unwrap().0);
    }
    let place = rows.next_paging_state().unwrap();
    let kept = (place.as_bytes().unwrap().to_vec(), place.rows_to_skip());
    assert_eq!(kept.1, 33);
    let again = PagingState::from_bytes(&kept.0).with_rows_to_skip(kept.1);
    let mut rest = other.rows::<(i32,)>(select.with_page(again));
    while let Some((k,)) = rest.next_row().await.unwrap() {
        seen.push(k);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..ROWS).collect::<Vec<_>>());
}
