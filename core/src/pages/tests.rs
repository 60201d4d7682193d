use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::*;
use crate::testing::{Answer, ScriptedSession};
use crate::{ColumnType, NativeType, Statement};

const COLUMNS: [(&str, ColumnType<'static>); 1] = [("k", ColumnType::Native(NativeType::Int))];

fn select() -> Statement {
    Statement::new("SELECT k FROM t").named("all")
}

/// Pages of so many rows, numbered through; each but the last says where the next one is.
fn paged(sizes: &[i32]) -> ScriptedSession {
    let mut first = 0;
    let pages: Vec<Answer> = sizes
        .iter()
        .enumerate()
        .map(|(page, size)| {
            let rows = (first..first + size).map(|k| (k,));
            first += size;
            let answer = Answer::rows(COLUMNS, rows).unwrap();
            let place = u8::try_from(page + 1).unwrap();
            if page + 1 == sizes.len() {
                answer
            } else {
                answer.followed_by(PagingState::from_bytes(&[place]))
            }
        })
        .collect();
    ScriptedSession::new().on("all", pages)
}

#[tokio::test]
async fn rows_of_all_pages_come_in_order_and_empty_pages_end_nothing() {
    let session = paged(&[0, 0, 3, 0, 1, 0]);
    let db = Client::new(session.clone());
    let mut rows = db.rows::<(i32,)>(&select());
    let all: Vec<_> = rows.by_ref().try_collect().await.unwrap();
    assert_eq!(all, [(0,), (1,), (2,), (3,)]);
    assert_eq!(rows.page_count(), 6);
    assert_eq!(rows.next_row().await.unwrap(), None);
}

#[tokio::test]
async fn pages_are_given_one_by_one_empty_ones_too() {
    let db = Client::new(paged(&[2, 0, 1]));
    let mut sizes = Vec::new();
    let each = |page: &Response| {
        sizes.push(page.rows_count());
        Ok::<(), Error>(())
    };
    db.pages(select()).for_each_page(each).await.unwrap();
    assert_eq!(sizes, [2, 0, 1]);
}

#[tokio::test]
async fn it_ends_after_as_many_pages_as_are_wanted_and_tells_where_it_goes_on() {
    let session = paged(&[1, 0, 2, 2]);
    let db = Client::new(session.clone());
    let mut rows = db.pages(select()).max_pages(NonZeroUsize::new(3).unwrap()).rows::<(i32,)>();
    let all: Vec<_> = rows.by_ref().try_collect().await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(rows.next_paging_state(), Some(PagingState::from_bytes(&[3])));
    tokio::task::yield_now().await;
    assert_eq!(session.executes(), 3, "none was fetched ahead");
    let rest = Request::from(&select()).with_page(rows.next_paging_state().unwrap());
    assert_eq!(db.rows::<(i32,)>(rest).count().await, 2);
}

#[tokio::test]
async fn one_page_is_fetched_ahead_or_none() {
    for (ahead, fetched) in [(true, 2), (false, 1)] {
        let session = paged(&[1, 1, 1, 1]);
        let db = Client::new(session.clone());
        let pages = db.pages(select());
        let mut pages = if ahead { pages } else { pages.without_prefetch() };
        pages.next_page().await.unwrap();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(session.executes(), fetched);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_it_gives_the_page_up() {
    let first = Answer::rows(COLUMNS, [(1,)]).unwrap().followed_by(PagingState::from_bytes(&[1]));
    let session = ScriptedSession::new().on("all", [first, Answer::never()]);
    let db = Client::new(session.clone());
    let mut rows = db.rows::<(i32,)>(&select());
    assert_eq!(rows.next_row().await.unwrap(), Some((1,)));
    assert!(timeout(Duration::from_secs(1), rows.next_row()).await.is_err());
    assert_eq!(session.in_flight(), 1);
    drop(rows);
    tokio::task::yield_now().await;
    assert_eq!(session.in_flight(), 0);
}

/// It is polled on another runtime than the one that fetches for it, which has ended.
#[test]
fn a_page_whose_runtime_has_ended_is_an_error_and_the_end() {
    let db = Client::new(ScriptedSession::new().otherwise(Answer::never()));
    let mut pages = db.pages(select());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let of_the_task = runtime();
    let waits = of_the_task.block_on(async { pages.next().now_or_never() });
    assert!(waits.is_none());
    drop(of_the_task);
    let error = runtime().block_on(pages.next_page()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ConnectionBroken);
    assert!(runtime().block_on(pages.next_page()).unwrap().is_none());
}

#[tokio::test]
async fn a_place_that_comes_twice_is_an_error_and_no_loop() {
    let same = Answer::rows(COLUMNS, [(1,)]).unwrap().followed_by(PagingState::from_bytes(&[7]));
    let db = Client::new(ScriptedSession::new().otherwise(same));
    let all: Vec<_> = db.rows::<(i32,)>(&select()).collect().await;
    assert_eq!(all.len(), 2);
    assert!(matches!(all[1].as_ref().unwrap_err().kind(), ErrorKind::UnreadableAnswer));
}

#[tokio::test]
async fn an_error_ends_it_and_what_came_before_stays() {
    let page =
        Answer::rows(COLUMNS, [(1,), (2,)]).unwrap().followed_by(PagingState::from_bytes(&[1]));
    let session = ScriptedSession::new().on("all", [page, Answer::error(ErrorKind::Overloaded)]);
    let all: Vec<_> = Client::new(session).rows::<(i32,)>(&select()).collect().await;
    assert_eq!(all.len(), 3);
    assert_eq!(*all[2].as_ref().unwrap_err().kind(), ErrorKind::Overloaded);
}

#[tokio::test]
async fn a_row_of_another_type_is_told_by_page_and_row() {
    let columns = [("k", ColumnType::Native(NativeType::Int))];
    let first = Answer::rows(columns.clone(), [(Some(1),), (Some(2),)]).unwrap();
    let second = Answer::rows(columns, [(Some(3),), (None,), (Some(5),)]).unwrap();
    let first = first.followed_by(PagingState::from_bytes(&[1]));
    let session = ScriptedSession::new().on("all", [first, second]);
    let all: Vec<_> = Client::new(session).rows::<(i32,)>(&select()).collect().await;
    assert_eq!(all.len(), 5);
    assert_eq!(all[4].as_ref().unwrap(), &(5,), "what follows it is given all the same");
    assert_eq!(
        all[3].as_ref().unwrap_err().to_string(),
        "all: page 2, after 2 rows of others: row 1 cannot be decoded: column k: int is null, and `i32` \
         cannot be null: read `Option<i32>`"
    );
}

/// Rows 0 to 9 on pages of 4, 0, 3 and 3, whatever the request's page size is.
fn ten_rows(place: &PagingState) -> Response {
    let first = usize::from(place.bytes().first().copied().unwrap_or(0));
    let (rows, next) = [(0..4, 1), (4..4, 2), (4..7, 3), (7..10, 0)][first].clone();
    let page = Response::from_rows(&select(), COLUMNS, rows.map(|k| (k,))).unwrap();
    let page = if next > 0 { page.followed_by(PagingState::from_bytes(&[next])) } else { page };
    page.started_at(place.clone().into())
}

#[derive(Clone)]
struct Ten;

impl tower_service::Service<Request> for Ten {
    type Response = Response;
    type Error = Error;
    type Future = std::future::Ready<Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        std::future::ready(Ok(ten_rows(&request.page())))
    }
}

fn ten() -> Client<Ten> {
    Client::new(Ten)
}

#[tokio::test]
async fn stopped_after_any_row_it_goes_on_with_the_next() {
    for ahead in [true, false] {
        for stop in 0..=10 {
            let pages = ten().pages(select());
            let mut rows = if ahead { pages } else { pages.without_prefetch() }.rows::<(i32,)>();
            let mut seen = Vec::new();
            for _ in 0..stop {
                seen.push(rows.next_row().await.unwrap().unwrap());
                tokio::task::yield_now().await;
            }
            // Twice, the second time from a place that was gone on from.
            for _ in 0..2 {
                let Some(rest) = rows.next_paging_state() else { break };
                let mut others = ten().rows::<(i32,)>(Request::from(&select()).with_page(rest));
                seen.extend(others.next_row().await.unwrap());
                rows = others;
            }
            seen.extend(rows.try_collect::<Vec<_>>().await.unwrap());
            assert_eq!(seen, (0..10).map(|k| (k,)).collect::<Vec<_>>(), "stopped after {stop}");
        }
    }
}

#[tokio::test]
async fn more_rows_to_skip_than_a_page_has_are_skipped_on_the_pages_after_it() {
    let place = PagingState::default().skipping(8);
    let rest = ten().rows::<(i32,)>(Request::from(&select()).with_page(place));
    assert_eq!(rest.try_collect::<Vec<_>>().await.unwrap(), [(8,), (9,)]);
}

#[tokio::test]
async fn after_a_page_of_other_columns_the_next_follows_and_the_place_is_the_page() {
    let mut rows = ten().rows::<(String,)>(&select());
    for page in 0..4 {
        let error = rows.next_row().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Rows(_)), "{error}");
        let first = rows.next_paging_state().unwrap().bytes().first().copied().unwrap_or(0);
        assert_eq!(first, page);
    }
    assert_eq!(rows.next_row().await.unwrap(), None);
}

#[tokio::test]
async fn after_a_page_that_failed_the_place_is_that_page() {
    let first = Answer::rows(COLUMNS, [(1,)]).unwrap().followed_by(PagingState::from_bytes(&[1]));
    let session = ScriptedSession::new().on("all", [first, Answer::error(ErrorKind::Overloaded)]);
    let mut rows = Client::new(session).rows::<(i32,)>(&select());
    rows.next_row().await.unwrap().unwrap();
    assert!(rows.next_row().await.is_err());
    assert_eq!(rows.next_paging_state(), Some(PagingState::from_bytes(&[1])));
    assert_eq!(rows.next_row().await.unwrap(), None);
    assert!(rows.next_paging_state().is_some(), "rows are left");
}

/// A token says where it begins: to go on from there it is needed again.
#[cfg(feature = "page-token")]
#[tokio::test]
async fn a_stream_that_begins_at_a_token_and_gave_nothing_goes_on_there() {
    let key = crate::PageTokenKey::new([7; 32]);
    let session = || {
        let page = PagingState::from_bytes(&[1]);
        let first = Answer::rows(COLUMNS, [(1,)]).unwrap().followed_by(page);
        let last = Answer::rows(COLUMNS, [(2,), (3,)]).unwrap();
        ScriptedSession::new().on("all", [first, last])
    };
    let asked = |token| Request::from(&select()).with_page_token(&key, token);
    let first = Client::new(session()).request(asked(None)).await.unwrap();
    let token = first.next_page_token().unwrap();
    let db = Client::new(ScriptedSession::new());
    let rest = db.rows::<(i32,)>(asked(token.as_deref())).next_paging_state().unwrap();
    let plain = Request::from(&select()).with_page(rest);
    assert_eq!(plain.start(None).unwrap().page, PagingState::from_bytes(&[1]));
}

/// A layer that is full for some requests, as a limit is, before a session.
#[derive(Clone)]
struct Full {
    session: ScriptedSession,
    refuses: Arc<AtomicUsize>,
}

impl tower_service::Service<Request> for Full {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response, Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let one_less = |left: usize| left.checked_sub(1);
        if self.refuses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
            let refused = Error::other(ErrorClass::Overload, std::fmt::Error);
            return Box::pin(std::future::ready(Err(refused)));
        }
        Box::pin(self.session.call(request))
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_a_layer_refuses_is_asked_for_again() {
    let full = Full { session: paged(&[2, 2, 1]), refuses: Arc::new(AtomicUsize::new(7)) };
    let db = Client::new(full.clone());
    let mut rows = db.rows::<(i32,)>(&select());
    assert_eq!(rows.next_row().await.unwrap(), Some((0,)));
    full.refuses.store(7, Ordering::Relaxed);
    let rest: Vec<_> = rows.by_ref().try_collect().await.unwrap();
    assert_eq!(rest, [(1,), (2,), (3,), (4,)]);

    // Not for ever, and not beyond the request's deadline.
    full.refuses.store(usize::MAX, Ordering::Relaxed);
    for (request, least, most) in [
        (Request::from(&select()), PATIENCE, PATIENCE * 2),
        (
            Request::from(&select()).with_deadline(Instant::now() + PATIENCE * 2),
            Duration::ZERO,
            PATIENCE * 2,
        ),
    ] {
        let began = Instant::now();
        let error = db.pages(request).next_page().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Overload);
        assert!((least..most).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}
