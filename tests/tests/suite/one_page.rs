//! Reads that can have one page only are sent without the size of a page.

use std::sync::{Arc, Mutex};

use cqlstack_core::{Client, PageTokenKey, PagingState, Profile, Request, Session, Statement};
use cqlstack_middleware::StatementCacheLayer;
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, HEADER, Playing, Script, Step, opcode};
use futures::TryStreamExt;
use scylla::value::Unset;
use tower::Layer;

use crate::forged::Reader;
use crate::keyspaces::builder_through;
use crate::support::{keyspace, run};

/// Of the session.
const PAGE: u32 = 100;

/// The size of a page of each EXECUTE, where it has one, in order.
type Sizes = Arc<Mutex<Vec<Option<i32>>>>;

/// A session whose requests pass a proxy that reads them.
struct Watched {
    db: Client<Session>,
    sizes: Sizes,
    proxy: FaultProxy,
    _reading: Playing,
}

impl Watched {
    async fn new(tables: &[&str]) -> Self {
        let keyspace = keyspace().await;
        let node = Cluster::shared().await.unwrap().node(0).unwrap().address();
        let proxy = FaultProxy::before(node).await.unwrap();
        let session = builder_through(&proxy, &keyspace).page_size(PAGE).build().await.unwrap();
        let db = Client::new(session);
        for table in tables {
            run(&db, &format!("CREATE {table}")).await;
        }
        let sizes = Sizes::default();
        let seen = Arc::clone(&sizes);
        let reads = Script::requests().whenever(move |frame| {
            if frame.request() == Some(opcode::EXECUTE) && !frame.is_control() {
                seen.lock().unwrap().push(page_size(frame.body()));
            }
            false
        });
        let reading = proxy.play(reads.then(Step::Frames(1))).unwrap();
        Self { db, sizes, proxy, _reading: reading }
    }

    fn sent(&self) -> Vec<Option<i32>> {
        std::mem::take(&mut self.sizes.lock().unwrap())
    }

    /// The size of the page that it asks for, with values that may be refused.
    async fn asks(&self, request: Request) -> Option<i32> {
        let _ = self.db.request(request).await;
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0]
    }

    async fn asks_bound(&self, request: Request) -> Option<i32> {
        let prepared = self.db.service().prepare(request.statement()).await;
        let prepared =
            prepared.unwrap_or_else(|error| panic!("{}: {error}", request.statement().text()));
        self.asks(request.bind(&prepared).unwrap()).await
    }
}

/// Of an EXECUTE of protocol version 4.
fn page_size(body: &[u8]) -> Option<i32> {
    let mut body = Reader(body);
    let id = body.short();
    body.take(id.into());
    let _consistency = body.short();
    let flags = body.byte();
    if flags & 1 != 0 {
        for _ in 0..body.short() {
            let length = body.int();
            body.take(usize::try_from(length).unwrap_or(0));
        }
    }
    (flags & 4 != 0).then(|| body.int())
}

const TABLES: [&str; 6] = [
    "TABLE one (k int PRIMARY KEY, v int, m map<text, int>)",
    "TABLE rows (k int, c int, d int, v int, s int static, PRIMARY KEY (k, c, d))",
    "TABLE pairs (a int, b int, v int, PRIMARY KEY ((a, b)))",
    "TABLE \"Odd\" (\"K\" int, \"select\" int, v int, PRIMARY KEY (\"K\", \"select\"))",
    "TABLE counts (k text PRIMARY KEY, n counter)",
    "INDEX ON rows (v)",
];

/// Texts without markers, each of which can have one page only.
const ONE_PAGE: [&str; 34] = [
    // The whole primary key.
    "SELECT * FROM one WHERE k = 1",
    "SELECT v FROM one WHERE k = 1",
    "SELECT v FROM one WHERE (k = 1)",
    "SELECT v, k FROM one WHERE k = 1 LIMIT 5000",
    "SELECT JSON v FROM one WHERE k = 1",
    "SELECT m['a'], writetime(v), ttl(v) FROM one WHERE k = 1",
    "SELECT count(*) FROM one WHERE k = 1",
    "SELECT max(v) AS most FROM one WHERE k = 1",
    "SELECT v FROM one WHERE K = 1",
    "SELECT v FROM one WHERE \"k\" = 1",
    "SELECT v FROM one WHERE k = -1",
    "SELECT cast(v AS text), token(k) FROM one WHERE k = 1",
    "SELECT n FROM counts WHERE k = 'a'",
    "SELECT v FROM pairs WHERE a = 1 AND b = 2",
    "SELECT v FROM pairs WHERE b = 2 AND a = 1",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d = 3",
    "SELECT v FROM rows WHERE d = 3 AND c = 2 AND k = 1",
    "SELECT s, v FROM rows WHERE k = 1 AND c = 2 AND d = 3",
    "SELECT v FROM rows WHERE k = 1 AND (c, d) = (2, 3)",
    "SELECT v FROM rows WHERE k = 1 AND (c) = (2) AND d = 3",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d = 3 AND v = 4",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d = 3 ORDER BY c DESC, d DESC",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d = 3 GROUP BY k, c",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d = 3 PER PARTITION LIMIT 2",
    "SELECT v FROM \"Odd\" WHERE \"K\" = 1 AND \"select\" = 2",
    // A limit of at most a page.
    "SELECT v FROM one LIMIT 1",
    "SELECT v FROM one LIMIT 100",
    "SELECT * FROM rows WHERE k = 1 LIMIT 10",
    "SELECT v FROM rows WHERE k = 1 AND c > 2 ORDER BY c DESC, d DESC LIMIT 99",
    "SELECT DISTINCT k, s FROM rows LIMIT 7",
    "SELECT v FROM rows WHERE v = 1 LIMIT 3",
    "SELECT v FROM rows WHERE token(k) > 5 LIMIT 3",
    "SELECT v FROM rows PER PARTITION LIMIT 1 LIMIT 3",
    "SELECT abs(v), writetime(v), cast(v AS bigint) FROM rows LIMIT 3",
];

/// Texts without markers that may have several, or of which that is not known.
const PAGED: [&str; 30] = [
    "SELECT * FROM one",
    "SELECT count(*) FROM one",
    "SELECT v FROM one WHERE k IN (1, 2)",
    "SELECT v FROM one WHERE k IN (1)",
    "SELECT v FROM one WHERE k IN (1, 2) LIMIT 2",
    "SELECT v FROM one WHERE token(k) = 5",
    "SELECT v FROM one WHERE token(k) > 5",
    "SELECT v FROM one WHERE k = 1 ALLOW FILTERING",
    "SELECT v FROM one WHERE v = 1 ALLOW FILTERING",
    "SELECT v FROM one WHERE v = 1 LIMIT 5 ALLOW FILTERING",
    "SELECT v FROM one WHERE m['a'] = 1 ALLOW FILTERING",
    "SELECT v FROM one LIMIT 101",
    "SELECT v FROM one LIMIT 2147483647",
    "SELECT v FROM one PER PARTITION LIMIT 1",
    // A server reads as many rows at a time as a page has.
    "SELECT count(*) FROM one LIMIT 1",
    "SELECT max(v) FROM rows WHERE k = 1 LIMIT 1",
    "SELECT k, c FROM rows GROUP BY k, c LIMIT 3",
    "SELECT * FROM rows WHERE k = 1",
    "SELECT DISTINCT k FROM rows",
    "SELECT DISTINCT k, s FROM rows WHERE k = 1",
    "SELECT s FROM rows WHERE k = 1",
    "SELECT v FROM rows WHERE k = 1 AND c = 2",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d > 3",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d >= 3 AND d <= 3",
    "SELECT v FROM rows WHERE k = 1 AND c = 2 AND d IN (3)",
    "SELECT v FROM rows WHERE k = 1 AND (c, d) IN ((2, 3))",
    "SELECT v FROM rows WHERE k = 1 AND (c, d) > (2, 3)",
    "SELECT v FROM rows WHERE v = 1",
    "SELECT v FROM \"Odd\" WHERE \"K\" = 1",
    // No table that the session knows the key of.
    "SELECT * FROM system_views.caches WHERE name = 'chunks'",
];

#[tokio::test]
async fn a_read_of_one_page_is_sent_without_a_page_size_and_no_other() {
    let watched = Watched::new(&TABLES).await;
    for (texts, size) in [(&ONE_PAGE[..], None), (&PAGED[..], Some(i32::try_from(PAGE).unwrap()))] {
        for text in texts {
            assert_eq!(watched.asks_bound(Request::from(*text)).await, size, "{text}");
        }
    }
}

#[tokio::test]
async fn what_is_bound_to_limit_tells_for_each_request() {
    let watched = Watched::new(&TABLES).await;
    let page = Some(i32::try_from(PAGE).unwrap());
    let by_key = "SELECT v FROM rows WHERE k = ? LIMIT ?";
    let named = "SELECT v FROM rows WHERE c > :c AND k = :k LIMIT :n";
    let cases = [
        (Request::new(by_key, (1, 1)), None),
        (Request::new(by_key, (1, 100)), None),
        (Request::new(by_key, (1, 101)), page),
        (Request::new(by_key, (1, i32::MAX)), page),
        (Request::new(by_key, (1, 0)), page),
        (Request::new(by_key, (1, -1)), page),
        // No limit, to a server.
        (Request::new(by_key, (1, Unset)), page),
        (Request::new(by_key, (1, None::<i32>)), page),
        (Request::new("SELECT v FROM one LIMIT ?", (7,)), None),
        (Request::new(named, (9, 1, 3)), None),
        (Request::new(named, (3, 1, 900)), page),
        (Request::new("SELECT v FROM one WHERE k = ? LIMIT ?", (1, 900)), None),
        (Request::new("SELECT v FROM rows WHERE k = ? PER PARTITION LIMIT ?", (1, 1)), page),
        (Request::new("SELECT v FROM one WHERE k IN ? LIMIT ?", (vec![1], 1)), page),
        (Request::new("SELECT count(*) FROM rows WHERE k = ? LIMIT ?", (1, 1)), page),
        (Request::new("SELECT v FROM rows WHERE k = ? AND (c, d) = ?", (1, (2, 3))), None),
        (Request::new("SELECT v FROM rows WHERE k = ? AND (c, d) = (?, ?)", (1, 2, 3)), None),
    ];
    for (number, (request, size)) in cases.into_iter().enumerate() {
        assert_eq!(watched.asks_bound(request).await, size, "{number}");
    }
    // Values that stay with the caller.
    let statement = Statement::new(by_key);
    for (rows, size) in [(5, None), (500, page), (5, None)] {
        watched.db.execute(&statement, (1, &rows)).await.unwrap();
        assert_eq!(watched.sent(), [size]);
    }
}

#[tokio::test]
async fn a_page_size_that_a_request_or_its_statement_gives_is_kept() {
    let watched = Watched::new(&TABLES).await;
    let text = "SELECT v FROM one WHERE k = ?";
    let plain = Statement::new(text);
    let profile = |size, paging| {
        let mut profile = Profile::default();
        (profile.page_size, profile.paging) = (size, paging);
        profile
    };
    let of = |statement: &Statement| Request::new(statement, (1,));
    let cases = [
        (of(&plain), None),
        (of(&plain).with_page_size(7), Some(7)),
        (of(&plain.clone().with_page_size(8)), Some(8)),
        (of(&plain.clone().with_page_size(1)), Some(1)),
        (of(&plain.clone().with_profile(&profile(Some(9), None))), Some(9)),
        (of(&plain).with_page_size(i32::MAX.unsigned_abs()), Some(i32::MAX)),
        (of(&plain).with_page_size(7).without_paging(), None),
        (of(&plain.clone().with_profile(&profile(None, Some(false)))), None),
        (of(&plain.clone().with_page_size(3)).without_paging().with_page_size(4), Some(4)),
    ];
    let prepared = watched.db.service().prepare(&plain).await.unwrap();
    for (number, (request, size)) in cases.into_iter().enumerate() {
        assert_eq!(watched.asks(request.clone()).await, size, "{number}");
        let bound = request.bind(&prepared).unwrap();
        assert_eq!(watched.asks(bound.clone()).await, size, "{number}, bound");
        assert_eq!(watched.asks(bound.with_page_size(6)).await, Some(6), "{number}, later");
    }
}

#[tokio::test]
async fn after_a_table_is_made_anew_its_new_key_decides() {
    let watched = Watched::new(&["TABLE t (k int PRIMARY KEY, c int)"]).await;
    let (db, text) = (&watched.db, Statement::new("SELECT c FROM t WHERE k = ?"));
    let mut seen = Vec::new();
    let tables = [
        "TABLE t (k int, c int, PRIMARY KEY (k, c))",
        "TABLE t (k int PRIMARY KEY, c int)",
        "TABLE t (k int, c int, PRIMARY KEY ((k, c)))",
    ];
    for table in [None].into_iter().chain(tables.map(Some)) {
        if let Some(table) = table {
            run(db, "DROP TABLE t").await;
            run(db, &format!("CREATE {table}")).await;
        }
        let prepared = db.service().prepare(&text).await;
        // Of a part of the partition key a server prepares nothing.
        let Ok(prepared) = prepared else { continue };
        for c in 0..3 {
            run(db, &format!("INSERT INTO t (k, c) VALUES (1, {c})")).await;
        }
        watched.sent();
        let answer = db.request(Request::new(&text, (1,)).bind(&prepared).unwrap()).await.unwrap();
        seen.push((watched.sent()[0].is_none(), answer.rows_count()));
    }
    assert_eq!(seen, [(true, 1), (false, 3), (true, 1)]);
}

#[tokio::test]
async fn what_was_prepared_before_its_table_was_made_anew_has_pages() {
    let watched = Watched::new(&["TABLE t (k int PRIMARY KEY, c int)"]).await;
    let (db, text) = (&watched.db, Statement::new("SELECT c FROM t WHERE k = ?"));
    let prepared = db.service().prepare(&text).await.unwrap();
    let before = Request::new(&text, (1,)).bind(&prepared).unwrap();
    assert_eq!(watched.asks(before.clone()).await, None);
    let cached = Client::new(StatementCacheLayer::default().layer(db.service().clone()));
    cached.execute(&text, (1,)).await.unwrap();

    run(db, "DROP TABLE t").await;
    run(db, "CREATE TABLE t (k int, c int, PRIMARY KEY (k, c))").await;
    for c in 0..PAGE + 50 {
        run(db, &format!("INSERT INTO t (k, c) VALUES (1, {c})")).await;
    }
    watched.sent();
    let page = Some(i32::try_from(PAGE).unwrap());
    let late = Request::new(&text, (1,)).bind(&prepared).unwrap();
    let from_begin = late.clone().with_page(PagingState::default());
    for request in [before, late, from_begin] {
        let answer = db.request(request).await.unwrap();
        // Once more, where the server has forgotten the statement.
        assert!(watched.sent().iter().all(|size| *size == page));
        assert_eq!((answer.rows_count(), answer.next_page().is_some()), (PAGE as usize, true));
    }
    let answer = cached.execute(&text, (1,)).await.unwrap();
    assert_eq!((watched.sent(), answer.rows_count()), (vec![page], PAGE as usize));
}

/// Of an answer with one row: there are more pages, the next of which is at this place.
fn end_page(frame: &mut Vec<u8>) {
    let (flags, after_columns) = (HEADER + 7, HEADER + 12);
    frame[flags] |= 2;
    let place = [0, 0, 0, 1, 7];
    frame.splice(after_columns..after_columns, place);
    let length = u32::try_from(frame.len() - HEADER).unwrap();
    frame[HEADER - 4..HEADER].copy_from_slice(&length.to_be_bytes());
}

/// Servers that speak CQL and end a page by its bytes.
#[tokio::test]
async fn where_a_server_ends_pages_that_have_no_size_all_reads_have_pages() {
    let by_key = Request::new("SELECT v FROM one WHERE k = ?", (1,));
    let limited = Request::new("SELECT v FROM one WHERE k = ? LIMIT ?", (1, 7));
    let page = Some(i32::try_from(PAGE).unwrap());
    let key = PageTokenKey::new([7; 32]);
    let from_begin = by_key.clone().with_page(PagingState::default());
    let with_token = by_key.clone().with_page_token(&key, None);
    for request in [by_key, from_begin, with_token, limited] {
        let watched = Watched::new(&["TABLE one (k int PRIMARY KEY, v int)"]).await;
        let db = &watched.db;
        run(db, "INSERT INTO one (k, v) VALUES (1, 42)").await;
        let prepared = db.service().prepare(request.statement()).await.unwrap();
        let request = request.bind(&prepared).unwrap();
        watched.sent();
        let ended = Script::answers().with(&[opcode::EXECUTE]).then(Step::edit(end_page));
        let _ended = watched.proxy.play(ended).unwrap();

        let answer = db.request(request.clone()).await.unwrap();
        assert_eq!(watched.sent(), [None, page]);
        assert_eq!(answer.value::<i32>().unwrap(), 42);
        // From then on, also of what is prepared anew.
        assert_eq!(watched.asks(request.clone()).await, page);
        assert_eq!(watched.asks_bound(request.clone()).await, page);
        assert_eq!(watched.asks_bound(Request::from("SELECT v FROM one LIMIT 1")).await, page);
        // Also of what the caller keeps.
        let by_key = Statement::new("SELECT v FROM one WHERE k = ?");
        db.execute(&by_key, (&1,)).await.unwrap();
        assert!(watched.sent().iter().all(|size| *size == page));
        // Who asks for all rows asks for them.
        assert_eq!(watched.asks(request.without_paging()).await, None);
    }
}

/// So many rows of one partition.
async fn fill(db: &Client<Session>, rows: i32) {
    for d in 0..rows {
        run(db, &format!("INSERT INTO rows (k, c, d, v) VALUES (1, 1, {d}, {d})")).await;
    }
}

/// What a caller sees of a read by key, page by page, as a stream, and by tokens.
#[tokio::test]
async fn a_read_of_one_page_has_rows_and_no_next_page() {
    let watched = Watched::new(&TABLES).await;
    let db = &watched.db;
    fill(db, 5).await;
    let key = PageTokenKey::new([7; 32]);
    let by_key = Request::new("SELECT v FROM rows WHERE k = ? AND c = ? AND d = ?", (1, 1, 3));
    let limited = Request::new("SELECT v FROM rows WHERE k = ? LIMIT ?", (1, 4));
    for (request, rows) in [(by_key, vec![3]), (limited, vec![0, 1, 2, 3])] {
        watched.sent();
        let answer = db.request(request.clone()).await.unwrap();
        let read: Vec<i32> = answer.rows::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect();
        assert_eq!((read, answer.next_page().is_none()), (rows.clone(), true));
        let answer = db.request(request.clone().with_page_token(&key, None)).await.unwrap();
        assert_eq!(answer.rows_count(), rows.len());
        assert_eq!(answer.next_page_token().unwrap(), None);
        let streamed = db.rows::<(i32,)>(request.clone()).map_ok(|row| row.0);
        assert_eq!(streamed.try_collect::<Vec<_>>().await.unwrap(), rows);
        assert_eq!(watched.sent(), [None; 3]);
    }
}

/// Cassandra begins anew where a page has room for all rows of the limit, whatever the page before had.
#[tokio::test]
async fn pages_of_a_limited_read_follow_one_another_whatever_their_sizes() {
    let watched = Watched::new(&TABLES).await;
    let db = &watched.db;
    fill(db, 9).await;
    let text = "SELECT v FROM rows WHERE k = 1 LIMIT 7";
    let prepared = db.service().prepare(&Statement::new(text)).await.unwrap();
    let requests = [
        Request::from(text),
        Request::from(text).bind(&prepared).unwrap(),
        Request::new("SELECT v FROM rows WHERE k = ? LIMIT ?", (1, 7)),
        Request::from("SELECT v FROM rows LIMIT 7"),
        Request::from("SELECT v FROM rows WHERE k IN (1, 2) LIMIT 7"),
        Request::from("SELECT v FROM rows WHERE v >= 0 LIMIT 7 ALLOW FILTERING"),
    ];
    for (number, request) in requests.into_iter().enumerate() {
        for then in [None, Some(2), Some(6), Some(7), Some(8), Some(5_000)] {
            let mut page = request.clone().with_page_size(2);
            let mut read = Vec::new();
            loop {
                let answer = db.request(page).await.unwrap();
                read.extend(answer.page::<(i32,)>().unwrap().map(|row| row.unwrap().0));
                let Some(next) = answer.next_page() else { break };
                page = request.clone().with_page(next);
                page = match then {
                    Some(rows) => page.with_page_size(rows),
                    None => page,
                };
            }
            assert_eq!(read, (0..7).collect::<Vec<_>>(), "{number}, {then:?}");
        }
    }
    // Values that the caller has.
    let limited = Statement::new("SELECT v FROM rows WHERE k = ? LIMIT ?");
    let first = db.execute(&limited, (1, &7)).with(|request| request.with_page_size(2)).await;
    let next = first.unwrap().next_page().unwrap();
    watched.sent();
    let cached = Client::new(StatementCacheLayer::default().layer(db.service().clone()));
    for (size, sent) in [(None, 6), (Some(3), 3), (Some(6), 6), (Some(7), 6), (Some(70), 6)] {
        for db in [db.clone().boxed(), cached.clone().boxed()] {
            let rest = db.execute(&limited, (1, &7)).with(|request| {
                let request = request.with_page(next.clone());
                size.map_or(request.clone(), |rows| request.with_page_size(rows))
            });
            let rest = rest.await.unwrap();
            assert_eq!(watched.sent(), [Some(sent)], "{size:?}");
            let read = rest.page::<(i32,)>().unwrap().map(|row| row.unwrap().0);
            let last = 6.min(1 + size.unwrap_or(100));
            assert!(read.eq(2..=i32::try_from(last).unwrap()), "{size:?}");
        }
    }
}
