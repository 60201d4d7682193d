//! Reading page by page.

use cqlstack_core::{Client, ErrorKind, Request, Session, Statement};
use futures::future::try_join_all;

use crate::support::connect;

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
