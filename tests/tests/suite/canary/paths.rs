//! What is done with each needle.

use cqlstack_core::{
    Batch, BatchGuard, Client, Conditional, CqlService, PageTokenKey, PagingState, Request,
    Session, Statement,
};
use futures::TryStreamExt;
use tokio::time::Instant;

use super::needles::Needle;
use super::said::Said;

pub(super) const TABLES: [&str; 7] = [
    "TABLE t (k text PRIMARY KEY, v text, b blob, u uuid, n int, l list<text>)",
    "TABLE p (k text, c text, v text, PRIMARY KEY (k, c))",
    "TABLE c (k text PRIMARY KEY, n counter)",
    "TABLE u (k uuid PRIMARY KEY, v text)",
    "TABLE b (k blob PRIMARY KEY, v text)",
    "TABLE n (n int PRIMARY KEY)",
    "FUNCTION f (s text) RETURNS NULL ON NULL INPUT RETURNS text LANGUAGE java AS \
     $$ if (s.length() > 0) throw new RuntimeException(s); return s; $$",
];

fn stated(text: impl Into<String>) -> Request {
    Request::from(&Statement::new(text.into()))
}

/// Bound, as value and as key, in all types that can hold it.
pub(super) async fn bound(
    db: &Client<impl CqlService>,
    session: &Session,
    it: Needle,
    said: &Said,
) {
    let insert = Statement::new("INSERT INTO t (k, v, b, u, l) VALUES (?, ?, ?, ?, ?)");
    let values = (it.text(), it.text(), it.bytes(), it.uuid(), vec![it.text(); 2]);
    let request = Request::new(&insert, values.clone());
    said.debug("request", &request);
    said.outcome("bound", true, db.request(request.clone()).await);
    let prepared = session.prepare(&insert).await.unwrap();
    let early = request.bind(&prepared).unwrap();
    said.debug("bound early", &(&prepared, &early, early.payload()));
    said.outcome("bound early", true, db.request(early).await);
    let by_uuid = Statement::new("INSERT INTO u (k, v) VALUES (?, ?)");
    said.outcome("other keys", true, db.execute(&by_uuid, (it.uuid(), it.text())).await);
    let by_blob = Statement::new("INSERT INTO b (k, v) VALUES (?, ?)");
    said.outcome("other keys", true, db.execute(&by_blob, (it.bytes(), it.text())).await);
    let read = Statement::new("SELECT k, v, b, u, l FROM t WHERE k = ?");
    let response = said.outcome("read", true, db.execute(&read, (it.text(),)).await).unwrap();
    said.error("other types", &response.row::<(i32,)>().unwrap_err());
    said.error("other types", &response.value::<i64>().unwrap_err());
    let rows = response.rows::<(i32, i32, i32, i32, i32)>();
    said.error("other types", &rows.map(drop).unwrap_err());
    said.outcome("counter", true, {
        db.execute(Statement::new("UPDATE c SET n = n + 1 WHERE k = ?"), (it.text(),)).await
    });
    let create = Statement::new("INSERT INTO t (k, v) VALUES (?, ?) IF NOT EXISTS");
    let taken =
        said.outcome("conditional", true, db.execute(&create, (it.text(), it.text())).await);
    let taken = taken.unwrap();
    match taken.conditional::<(String, Option<Vec<u8>>)>() {
        Ok(Conditional::Applied) => panic!("it is there"),
        Ok(Conditional::NotApplied(_)) => {}
        Err(error) => said.error("conditional", &error),
    }
}

/// Mistakes with what is bound.
pub(super) async fn mistaken(db: &Client<impl CqlService>, it: Needle, said: &Said) {
    let request = |text: &'static str| Statement::new(text);
    let wrong = async |path, text: &'static str, values: Vec<String>| {
        said.outcome(path, false, db.execute(request(text), values).await);
    };
    wrong("wrong type", "INSERT INTO n (n) VALUES (?)", vec![it.text()]).await;
    wrong("wrong type of key", "SELECT n FROM n WHERE n = ?", vec![it.text()]).await;
    wrong("too many", "INSERT INTO t (k) VALUES (?)", vec![it.text(); 2]).await;
    wrong("too few", "INSERT INTO t (k, v) VALUES (?, ?)", vec![it.text()]).await;
    wrong("no column", "INSERT INTO t (k, x) VALUES (?, ?)", vec![it.text(); 2]).await;
    wrong("no json", "INSERT INTO t JSON ?", vec![format!("{{\"k\": \"{}", it.text())]).await;
    let json = format!("{{\"k\": \"a\", \"n\": \"{}\"}}", it.text());
    wrong("json of another type", "INSERT INTO t JSON ?", vec![json]).await;
    wrong("json of no column", "INSERT INTO t JSON ?", vec![format!("{{\"{}\": 1}}", it.text())])
        .await;
    wrong("a function fails", "SELECT f(v) FROM t WHERE k = ?", vec![it.text()]).await;
    let timeuuid = "SELECT k FROM t WHERE k = ? AND token(k) > minTimeuuid(?)";
    wrong("no such comparison", timeuuid, vec![it.text(); 2]).await;
    wrong("an empty key", "INSERT INTO t (k) VALUES (?)", vec![String::new()]).await;
    let huge = vec![it.text(), it.text().repeat(1_100_000)];
    wrong("too large", "INSERT INTO t (k, v) VALUES (?, ?)", huge).await;
    let read = Request::new(Statement::new("SELECT v FROM t WHERE k = ?"), (it.text(),));
    let late = read.clone().with_deadline(Instant::now());
    said.outcome("past its deadline", false, db.request(late).await);
    let hurried = read.clone().with_attempt_timeout(std::time::Duration::from_nanos(1));
    said.either("no time", db.request(hurried).await);
    said.outcome("no page", false, db.request(read.with_page_size(0)).await);
}

/// In the text, right and wrong.
pub(super) async fn literal(db: &Client<impl CqlService>, it: Needle, said: &Said) {
    let (text, hex, uuid) = (it.text(), it.hex(), it.uuid());
    let reads = format!("SELECT v FROM t WHERE k = '{text}'");
    said.debug("statement", &Statement::new(reads.clone()));
    said.debug("request", &stated(reads.clone()));
    for right in [
        format!("INSERT INTO t (k, v, b, u) VALUES ('{text}', $${text}$$, 0x{hex}, {uuid})"),
        format!("UPDATE t SET l = l + ['{text}'] WHERE k = '{text}'"),
        format!("INSERT INTO t JSON '{{\"k\": \"{text}\"}}'"),
        format!("SELECT v FROM b WHERE k = 0x{hex}"),
        format!("SELECT v FROM u WHERE k = {uuid}"),
        format!("INSERT INTO t (k) VALUES ('{text}') IF NOT EXISTS"),
        format!("SELECT v FROM t -- {text}\n WHERE k = 'a' /* {text} */"),
        reads,
    ] {
        said.outcome("literal", true, db.request(stated(right)).await);
    }
    for wrong in [
        format!("INSERT INTO t (k, n) VALUES ('{text}', '{text}')"),
        format!("INSERT INTO t (k) VALUES ('{text}') WHERE k = 1"),
        format!("SELECT v FROM t WHERE k = '{text}"),
        format!("SELECT v FROM t WHERE k = $${text}"),
        format!("SELECT v FROM t WHERE k = \"{text}"),
        format!("SELEKT '{text}'"),
        format!("'{text}' SELECT"),
        format!("INSERT INTO t JSON '{{\"k\": \"{text}'"),
        format!("SELECT v FROM t WHERE k = {text}"),
        format!("SELECT v FROM t WHERE k IN ('a', {text})"),
        format!("SELECT f('{text}') FROM t"),
        format!("SELECT v FROM t WHERE u = 0x{hex}"),
        format!("SELECT v FROM t WHERE k = '{text}' LIMIT '{text}'"),
        format!("CREATE TABLE x (k int PRIMARY KEY) WITH comment = '{text}' AND '{text}'"),
        format!("ALTER TABLE t WITH compaction = {{'class': '{text}'}}"),
        text,
    ] {
        if let Err(error) = cqlstack_syntax::parse(&wrong) {
            said.any_error("parser", &error);
        }
        said.outcome("literal, wrong", false, db.request(stated(wrong)).await);
    }
}

/// Several at a time.
pub(super) async fn batches(db: &Client<impl CqlService>, it: Needle, said: &Said) {
    let insert = Statement::new("INSERT INTO p (k, c, v) VALUES (?, ?, ?)");
    let row = |c: usize| (it.text(), format!("{c}{}", it.text()), it.text());
    let other = |c: usize| (format!("{c}{}", it.text()), it.text(), it.text());
    let count = Statement::new("UPDATE c SET n = n + 1 WHERE k = ?");
    let literal = Statement::new(format!("INSERT INTO p (k, c) VALUES ('{}', 'a')", it.text()));
    let long = |c: usize| (other(c).0, it.text(), it.text().repeat(700));
    let batches: [(bool, Batch); 9] = [
        (true, Batch::logged().add(&insert, row(1)).add(&insert, other(2)).add(&literal, ())),
        (true, Batch::same_partition().add(&insert, row(1)).add(&literal, ())),
        (
            true,
            Batch::same_partition()
                .add(&insert, row(1))
                .add(&insert, other(1))
                .with_guard(BatchGuard::Warn),
        ),
        (true, Batch::counter().add(&count, (it.text(),))),
        (false, Batch::same_partition().add(&insert, row(1)).add(&insert, other(2))),
        (false, Batch::logged().add(&insert, row(1)).add(&count, (it.text(),))),
        (false, Batch::logged().add(&insert, (it.text(), 1, it.text()))),
        (false, (0..9).fold(Batch::logged(), |batch, c| batch.add(&insert, long(c)))),
        (false, Batch::logged().add(Statement::new(format!("SELECT '{}'", it.text())), ())),
    ];
    for (is_ok, batch) in batches {
        said.debug("batch", &batch);
        let request = Request::from(batch);
        said.debug("batch", &request);
        said.outcome("batch", is_ok, db.request(request).await);
    }
}

/// Page by page, with tokens, streams, and many at a time.
pub(super) async fn pages(db: &Client<impl CqlService>, it: Needle, said: &Said) {
    let insert = Statement::new("INSERT INTO p (k, c, v) VALUES (?, ?, ?)");
    let rows = (0..4).map(|c| (it.text(), format!("{c}{}", it.text()), it.text()));
    said.debug("many", &db.many(&insert, rows).run().await.unwrap());
    let wrong = db.many(&insert, vec![vec![it.text(); 3], vec![it.text()]]);
    said.any_error("many", &wrong.run().await.unwrap_err());
    let wrong = db.many(&insert, vec![vec![it.text()], vec![it.text(); 3], vec![it.text()]]);
    let report = wrong.run_all().await;
    said.debug("many", &report);

    let read = Statement::new("SELECT k, c, v FROM p WHERE k = ?").with_page_size(1);
    let request = || Request::new(&read, (it.text(),));
    let first = said.outcome("a page", true, db.request(request()).await).unwrap();
    said.error("a page", &first.rows::<(String, String, String)>().map(drop).unwrap_err());
    said.debug("paging state", &first.next_page());
    let next = request().with_page(first.next_page().unwrap());
    said.debug("paging state", &next);
    let key = PageTokenKey::new(*b"a secret of the program 32 bytes");
    said.debug("page token", &key);
    let start = db.request(request().with_page_token(&key, None)).await.unwrap();
    let token = start.next_page_token().unwrap().unwrap();
    said.text("page token", token.clone());
    let token = Some(token.as_str());
    said.outcome("a page by token", true, db.request(request().with_page_token(&key, token)).await);
    let other = Request::new(&read, (format!("{}x", it.text()),)).with_page_token(&key, token);
    said.outcome("another's token", false, db.request(other).await);
    let text = it.text();
    let no_token = request().with_page_token(&key, Some(&text));
    said.outcome("no token", false, db.request(no_token).await);
    let no_place = request().with_page(PagingState::from_bytes(&it.bytes()));
    said.outcome("no place", false, db.request(no_place).await);

    let rows = db.rows::<(String, String, Option<String>)>(request());
    let rows: Vec<_> = rows.try_collect().await.unwrap();
    assert!(rows.len() >= 4);
    let stream = db.rows::<(i32, i32, i32)>(request());
    said.error("rows of other types", &stream.try_collect::<Vec<_>>().await.unwrap_err());
    said.debug("pages", &db.pages(request()));

    // Tombstones, until the server warns of them, and then refuses.
    let delete = Statement::new("DELETE FROM p WHERE k = ? AND c = ?");
    for c in 0..20 {
        db.execute(&delete, (it.text(), format!("x{c}"))).await.unwrap();
        if c == 8 {
            let all = Statement::new(format!("SELECT v FROM p WHERE k = '{}'", it.text()));
            let warned = said.outcome("tombstones", true, db.request(&all).await).unwrap();
            assert!(!warned.warnings().is_empty());
        }
    }
    let all = Statement::new("SELECT v FROM p WHERE k = ?");
    said.outcome("too many tombstones", false, db.execute(&all, (it.text(),)).await);
}

/// Passwords in statements.
pub(super) async fn roles(db: &Client<impl CqlService>, it: Needle, number: usize, said: &Said) {
    let text = it.text();
    for (is_ok, statement) in [
        (true, format!("CREATE ROLE role_{number} WITH PASSWORD = '{text}' AND LOGIN = true")),
        (true, format!("ALTER ROLE role_{number} WITH PASSWORD = '{text}'")),
        (false, format!("CREATE ROLE role_{number} WITH PASSWORD = '{text}'")),
        (false, format!("CREATE ROLE a WITH PASSWORD = '{text}' AND HASHED PASSWORD = '{text}'")),
        (false, format!("ALTER ROLE role_{number} WITH HASHED PASSWORD = '{text}'")),
        (false, format!("ALTER ROLE nobody WITH PASSWORD = '{text}'")),
        (false, format!("CREATE USER a WITH PASSWORD '{text}' SUPER")),
        (false, format!("CREATE ROLE a WITH PASSWORD = $${text}$$ '{text}'")),
    ] {
        said.debug("role", &Statement::new(statement.clone()));
        said.outcome("role", is_ok, db.request(stated(statement)).await);
    }
}
