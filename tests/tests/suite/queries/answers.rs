//! Answers: rows as records or structs, pages, scalars, outcomes of conditions, and what can be null.

use std::collections::{HashMap, HashSet};

use cqlstack_core::value::{Counter, CqlDate};
use cqlstack_core::{Client, Conditional, CqlService, CqlValue, DeserializeRow, Error, ErrorKind};
use futures::TryStreamExt;

use super::{app, app_as, app_tables};
use crate::support::{full_stack, run};

/// A spawned task takes it.
fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn each_method_gives_its_rows_through_any_client() {
    let db = app_tables().await;
    let stack = full_stack(db.session().unwrap());
    let boxed: Client = stack.clone().boxed();
    for at in 0..5 {
        app!(
            "INSERT INTO events (tenant, day, at, kind, size) VALUES ('x', 1, ?, 'a', ?)",
            at,
            at * 2
        )
        .execute(&boxed)
        .await
        .unwrap();
    }
    let of =
        |at: i32| app!("SELECT at, size FROM events WHERE tenant = 'x' AND day = 1 AND at = ?", at);
    let one = is_send(of(3).fetch_one(&db)).await.unwrap();
    assert_eq!((one.at, one.size), (3, Some(6)));
    assert_eq!(format!("{one:?}"), "Record { at: 3, size: Some(6) }");
    assert!(is_send(of(9).fetch_optional(&stack)).await.unwrap().is_none());
    assert_eq!(is_send(of(4).fetch_optional(&boxed)).await.unwrap().unwrap().size, Some(8));
    let error = of(9).fetch_one(&db).await.err().unwrap();
    assert!(error.to_string().contains("ask with `fetch_optional()`"), "{error}");
    let all = || app!("SELECT at FROM events WHERE tenant = 'x' AND day = 1"; name = "all_events");
    assert_eq!(is_send(all().fetch_all(&boxed)).await.unwrap().len(), 5);
    assert_eq!(is_send(all().fetch_scalar(&stack)).await.unwrap(), 0);
    let error = all().with(|request| request.with_page_size(2)).fetch_all(&db).await.err().unwrap();
    assert!(
        matches!(error.kind(), ErrorKind::Rows(_)) && error.to_string().contains("there are more"),
        "{error}"
    );
    assert_eq!(error.statement().unwrap().name(), "all_events");
    let paged = || all().with(|request| request.with_page_size(2));
    let streamed: Vec<_> = is_send(paged().fetch(&stack)).try_collect().await.unwrap();
    assert_eq!(streamed.iter().map(|event| event.at).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let mut stream = paged().fetch(&boxed);
    assert_eq!(stream.next_row().await.unwrap().unwrap().at, 0);
    let place = stream.next_paging_state().unwrap();
    let page =
        is_send(paged().with(|request| request.with_page(place)).fetch_page(&db)).await.unwrap();
    assert_eq!(page.records().iter().map(|event| event.at).collect::<Vec<_>>(), [1]);
    let next = page.next_page().unwrap();
    let page = paged().with(|request| request.with_page(next)).fetch_page(&db).await.unwrap();
    assert_eq!(page.into_iter().map(|event| event.at).collect::<Vec<_>>(), [2, 3]);
    let spawned =
        tokio::spawn(async move { of(1).fetch_one(&boxed).await.map(|event| event.size) });
    assert_eq!(spawned.await.unwrap().unwrap(), Some(2));
}

#[derive(Debug, PartialEq, DeserializeRow)]
struct User {
    age: Option<i32>,
    id: i32,
    #[scylla(rename = "name")]
    called: Option<String>,
    #[scylla(skip)]
    noted: bool,
    #[scylla(default_when_null)]
    email: String,
}

impl User {
    async fn find(db: &Client<impl CqlService>, id: i32) -> Result<Option<Self>, Error> {
        app_as!(Self, "SELECT * FROM users WHERE id = ?", id).fetch_optional(db).await
    }
}

#[tokio::test]
async fn a_struct_takes_some_of_the_columns_by_name() {
    let db = app_tables().await;
    run(&db, "INSERT INTO users (id, name) VALUES (1, 'Ada')").await;
    let ada = User {
        age: None,
        id: 1,
        called: Some("Ada".to_owned()),
        noted: false,
        email: String::new(),
    };
    let all = app_as!(User, "SELECT * FROM users WHERE id = ?", 1);
    assert_eq!(all.fetch_one(&db).await.unwrap(), ada);
    let found = User::find(&db, 1).await.unwrap().unwrap();
    assert_eq!(found, ada);
    let some = app_as!(User, "SELECT email, name, age, id, long FROM users"; allow(scan));
    assert_eq!(some.fetch(&db).try_collect::<Vec<_>>().await.unwrap(), [ada]);
}

/// The columns stand in the text: one that is added later is not sent.
#[tokio::test]
async fn all_columns_are_those_of_the_schema_file() {
    let db = app_tables().await;
    run(&db, "ALTER TABLE hits ADD later counter").await;
    app!("UPDATE hits SET views = views + 1 WHERE page = 'a'").execute(&db).await.unwrap();
    let response = app!("SELECT * FROM hits WHERE page = 'a'").execute(&db).await.unwrap();
    assert_eq!(response.statement().text(), "SELECT page, views FROM hits WHERE page = 'a'");
    assert_eq!(response.row::<(String, Counter)>().unwrap(), ("a".to_owned(), Counter(1)));
    let words =
        app!("SELECT * FROM events WHERE tenant = '*' AND day = 1"; page_size = 7).into_request();
    let text = "SELECT tenant, day, at, kind, size FROM events WHERE tenant = '*' AND day = 1";
    assert_eq!(words.statement().text(), text);
}

#[tokio::test]
async fn a_condition_tells_what_was_found_by_name() {
    let db = app_tables().await;
    let insert =
        |name: &str| app!("INSERT INTO users (id, name, age) VALUES (1, ?, 7) IF NOT EXISTS", name);
    assert!(insert("Ada").applied(&db).await.unwrap().is_applied());
    let Conditional::NotApplied(found) = is_send(insert("Bob").applied(&db)).await.unwrap() else {
        panic!("it was there")
    };
    let [user] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (user.id, user.name.as_deref(), user.age, user.code.as_deref()),
        (Some(1), Some("Ada"), Some(7), None)
    );
    let update = app!(
        "UPDATE users SET age = 8 WHERE id = 1 IF name = ? AND age > ? AND email = null",
        "Bob",
        5
    );
    let Conditional::NotApplied(found) = update.applied(&db).await.unwrap() else {
        panic!("Ada is there")
    };
    assert_eq!(
        (found[0].name.as_deref(), found[0].age, found[0].email.as_deref()),
        (Some("Ada"), Some(7), None)
    );
    let Conditional::NotApplied(none) =
        app!("UPDATE users SET age = 8 WHERE id = 2 IF EXISTS").applied(&db).await.unwrap()
    else {
        panic!("there is no such user")
    };
    assert!(none.is_empty());
    assert!(
        app!("DELETE FROM users WHERE id = 1 IF age = 7").applied(&db).await.unwrap().is_applied()
    );
    // Static columns come last, whatever the text says.
    run(&db, "INSERT INTO orders (customer, number, title, item) VALUES (1, 2, 't', 'i')").await;
    let update = app!(
        "UPDATE orders SET item = 'x' WHERE customer = 1 AND number = 2 IF title = 'u' AND item = 'j'"
    );
    let Conditional::NotApplied(found) = update.applied(&db).await.unwrap() else {
        panic!("both differ")
    };
    assert_eq!((found[0].title.as_deref(), found[0].item.as_deref()), (Some("t"), Some("i")));
    let batch = app!(
        "BEGIN BATCH
         UPDATE orders SET item = ? WHERE customer = 1 AND number = 2 IF item = 'j';
         INSERT INTO orders (customer, number, item) VALUES (1, 3, ?);
         APPLY BATCH",
        "x",
        "y"
    );
    let Conditional::NotApplied(found) = batch.applied(&db).await.unwrap() else {
        panic!("it differs")
    };
    assert_eq!(
        (found[0].customer, found[0].number, found[0].item.as_deref()),
        (Some(1), Some(2), Some("i"))
    );
}

#[tokio::test]
async fn counters_keys_and_static_columns_are_null_where_the_server_allows_it() {
    let db = app_tables().await;
    app!("UPDATE hits SET views = views + ? WHERE page = ?", Counter(2), "a")
        .execute(&db)
        .await
        .unwrap();
    let hits = app!("SELECT page, views FROM hits WHERE page = 'a'").fetch_one(&db).await.unwrap();
    let (page, views): (String, Counter) = (hits.page, hits.views);
    assert_eq!((&*page, views), ("a", Counter(2)));
    app!("UPDATE clicks SET views = views + 1 WHERE page = 'a' AND day = 1")
        .execute(&db)
        .await
        .unwrap();
    let clicks = app!("SELECT day, views, others FROM clicks WHERE page = 'a'")
        .fetch_one(&db)
        .await
        .unwrap();
    let (day, views, others): (i32, Option<Counter>, Option<Counter>) =
        (clicks.day, clicks.views, clicks.others);
    assert_eq!((day, views, others), (1, Some(Counter(1)), None));
    // A partition with nothing but static columns has a row without a clustering key.
    app!("INSERT INTO orders (customer, title) VALUES (?, ?)", 1, "t").execute(&db).await.unwrap();
    let order = app!("SELECT * FROM orders WHERE customer = 1").fetch_one(&db).await.unwrap();
    let (customer, number): (i32, Option<i32>) = (order.customer, order.number);
    assert_eq!((customer, number, order.title.as_deref(), order.item), (1, None, Some("t"), None));
    run(&db, "INSERT INTO orders (customer, number) VALUES (1, 2)").await;
    let order = app!("SELECT number, title FROM orders WHERE customer = 1 AND number > 0")
        .fetch_one(&db)
        .await;
    let number: i32 = order.unwrap().number;
    assert_eq!(number, 2);
}

#[tokio::test]
async fn aggregates_over_nothing_give_zero_or_null() {
    let db = app_tables().await;
    let of_all = app!(
        "SELECT id, count(*) AS rows, count(age) AS ages, sum(age) AS total, avg(long) AS mean, min(age) AS youngest,
         max(name) AS final FROM users"; allow(scan)
    );
    let of_all = of_all.fetch_one(&db).await.unwrap();
    let (rows, ages, total, mean): (i64, i64, i32, i64) =
        (of_all.rows, of_all.ages, of_all.total, of_all.mean);
    assert_eq!((rows, ages, total, mean), (0, 0, 0, 0));
    let (id, youngest, name): (Option<i32>, Option<i32>, Option<String>) =
        (of_all.id, of_all.youngest, of_all.r#final);
    assert_eq!((id, youngest, name), (None, None, None));
    let counted: i64 =
        app!("SELECT count(*) AS n FROM users"; allow(scan)).fetch_scalar(&db).await.unwrap();
    assert_eq!(counted, 0);
    let greatest: Option<i32> =
        app!("SELECT max(age) AS age FROM users WHERE id = 1").fetch_scalar(&db).await.unwrap();
    assert_eq!(greatest, None);
    run(&db, "INSERT INTO orders (customer, number) VALUES (1, 2)").await;
    let grouped = app!(
        "SELECT customer, max(number) AS last FROM orders GROUP BY customer"; allow(scan)
    );
    let grouped = grouped.fetch_one(&db).await.unwrap();
    let (customer, newest): (i32, Option<i32>) = (grouped.customer, grouped.last);
    assert_eq!((customer, newest), (1, Some(2)));
    let written = app!("SELECT writetime(name) AS at, ttl(name) AS rest FROM users WHERE id = 1");
    run(&db, "INSERT INTO users (id) VALUES (1)").await;
    let written = written.fetch_one(&db).await.unwrap();
    let (at, rest): (Option<i64>, Option<i32>) = (written.at, written.rest);
    assert_eq!((at, rest), (None, None));
}

#[tokio::test]
async fn a_collection_that_is_not_frozen_is_empty_where_there_is_none() {
    let db = app_tables().await;
    app!(
        "INSERT INTO bags (id, l, s, m, fl, weights) VALUES (1, ?, ?, ?, ?, ?)",
        Vec::<i32>::new(),
        HashSet::<&str>::new(),
        HashMap::<&str, i32>::new(),
        Vec::<i32>::new(),
        [0.5_f64].as_slice()
    )
    .execute(&db)
    .await
    .unwrap();
    run(&db, "INSERT INTO bags (id, l) VALUES (2, [1])").await;
    let of = async |id: i32| {
        let bag = app!("SELECT l, s, m, fl, weights, ttl(l) AS ttls FROM bags WHERE id = ?", id);
        bag.fetch_one(&db).await.unwrap()
    };
    let (full, null) = (of(1).await, of(2).await);
    let (l, s, m): (Vec<i32>, HashSet<String>, HashMap<String, i32>) = (full.l, full.s, full.m);
    assert!(l.is_empty() && s.is_empty() && m.is_empty());
    let fl: Option<Vec<i32>> = full.fl;
    assert_eq!((fl, full.weights), (Some(vec![]), vec![0.5]));
    assert_eq!((null.fl, null.l), (None, vec![1]));
    let ttls: Option<Vec<Option<i32>>> = null.ttls;
    assert_eq!(ttls, Some(vec![None]));
    // A map whose keys have no hash is no collection of Rust, and so it is null.
    let bag = app!("SELECT by_weight FROM bags WHERE id = 2").fetch_one(&db).await.unwrap();
    let by_weight: Option<CqlValue> = bag.by_weight;
    assert_eq!(by_weight, None);
    let told =
        app!(r#"SELECT l AS "l?", s AS "s?" FROM bags WHERE id = 2"#).fetch_one(&db).await.unwrap();
    let (l, s): (Option<Vec<i32>>, Option<HashSet<String>>) = (told.l, told.s);
    assert_eq!((l, s), (Some(vec![1]), None));
}

#[tokio::test]
async fn an_alias_can_say_that_a_column_is_never_null_or_of_which_type_it_is() {
    use cqlstack_core::value::chrono_04 as chrono;

    let db = app_tables().await;
    run(&db, "INSERT INTO users (id, name, born) VALUES (1, 'Ada', '1815-12-10')").await;
    run(&db, "INSERT INTO users (id) VALUES (2)").await;
    let user = |id: i32| {
        app!(
            r#"SELECT id AS "id?", name AS "name!", born AS "born: chrono::NaiveDate", born AS "day!:CqlDate"
               FROM users WHERE id = ?"#,
            id
        )
    };
    let ada = user(1).fetch_one(&db).await.unwrap();
    let (id, name, born): (Option<i32>, String, Option<chrono::NaiveDate>) =
        (ada.id, ada.name, ada.born);
    assert_eq!((id, &*name, born.unwrap().to_string()), (Some(1), "Ada", "1815-12-10".to_owned()));
    let day: CqlDate = ada.day;
    assert_eq!(CqlDate::from(born.unwrap()), day);
    let error = user(2).fetch_one(&db).await.err().unwrap();
    assert!(
        error.to_string().contains("column name!: text is null, and `String` cannot be null"),
        "{error}"
    );
}
