//! Arguments: in the order of the markers, by name, borrowed, and of each kind of marker.

use std::collections::{BTreeMap, HashMap};

use cqlstack_core::value::{MaybeUnset, Unset};
use cqlstack_core::{DeserializeRow, DeserializeValue, ErrorKind, SerializeValue};

use super::{app, app_as, app_tables};
use crate::support::{full_stack, run};

#[derive(Debug, Clone, PartialEq, SerializeValue, DeserializeValue)]
struct Address {
    street: Option<String>,
    #[scylla(rename = "zip")]
    code: Option<i32>,
}

fn address() -> Address {
    Address { street: Some("Mill Lane".to_owned()), code: Some(7) }
}

#[tokio::test]
async fn arguments_are_given_in_order_by_name_or_by_a_variable_s_name() {
    let db = app_tables().await;
    let (id, name) = (1, "Ada".to_owned());
    app!("INSERT INTO users (id, name) VALUES (?, ?)", id, name).execute(&db).await.unwrap();
    app!("INSERT INTO users (id, name) VALUES (:id, :name)").execute(&db).await.unwrap();
    let other = app!("INSERT INTO users (id, name) VALUES (:id, :name)", id = id + 1, name = "Bob");
    other.execute(&db).await.unwrap();
    // A column's name names its marker.
    let third = app!("INSERT INTO users (id, name) VALUES (?, ?)", name = &name[..1], id = 3);
    third.execute(&db).await.unwrap();
    let r#type = 4;
    app!("INSERT INTO words (\"type\", \"fn\") VALUES (:type, :f)", f = "a")
        .execute(&db)
        .await
        .unwrap();
    let words =
        app!("SELECT \"fn\", \"userId\", \"type\" FROM words WHERE \"type\" = ?", r#type = r#type);
    let words = words.fetch_one(&db).await.unwrap();
    assert_eq!((words.r#fn.as_deref(), words.userId, words.r#type), (Some("a"), None, 4));
    let names = app!("SELECT id, name FROM users"; allow(scan)).fetch_all(&db).await.unwrap();
    let names: BTreeMap<_, _> =
        names.into_iter().map(|user| (user.id, user.name.unwrap())).collect();
    let expected = [(1, "Ada"), (2, "Bob"), (3, "A")].map(|(id, name)| (id, name.to_owned()));
    assert_eq!(names, BTreeMap::from(expected));
}

/// Each argument is looked at once, and is left to the program.
#[expect(clippy::cast_lossless, reason = "an `as` binds closer than what the macro puts before it")]
#[tokio::test]
async fn an_argument_is_borrowed_for_a_moment_and_evaluated_once() {
    let db = app_tables().await;
    let mut calls = 0;
    let mut next = || {
        calls += 1;
        calls
    };
    let twice = app!(
        "UPDATE users SET age = :n, long = 5, name = :name WHERE id = :n",
        n = next(),
        name = format!("{}", 7).as_str()
    );
    twice.execute(&db).await.unwrap();
    assert_eq!(calls, 1);
    let user = app!("SELECT age, name FROM users WHERE id = 1").fetch_one(&db).await.unwrap();
    assert_eq!((user.age, user.name.as_deref()), (Some(1), Some("7")));
    let note = "kept".to_owned();
    let update = app!("UPDATE users SET name = :note, email = :note WHERE id = 1");
    update.execute(&db).await.unwrap();
    assert_eq!(note, "kept");
    let insert = {
        let (short_lived, flag) = ("gone".to_owned(), true);
        app!(
            "INSERT INTO users (id, name, photo, long) VALUES (?, ?, ?, ?)",
            if flag { 2 } else { 3 },
            &short_lived,
            short_lived.as_bytes(),
            8_u8 as i64
        )
    };
    insert.execute(&db).await.unwrap();
    let user =
        app!("SELECT name, photo, long FROM users WHERE id = 2").fetch_one(&db).await.unwrap();
    assert_eq!(
        (user.name.as_deref(), user.photo, user.long),
        (Some("gone"), Some(b"gone".to_vec()), Some(8))
    );
}

/// What another macro takes as an expression stays one, whatever stands around it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an `as` binds closer than what stands before it"
)]
#[tokio::test]
async fn an_expression_of_another_macro_keeps_together() {
    macro_rules! doubled {
        ($db:ident, $id:expr, $($age:tt)*) => {
            app!("INSERT INTO users (id, age) VALUES (:id, :age)", id = $id, age = $($age)*)
                .execute(&$db)
                .await
                .unwrap();
            app!("UPDATE users SET small = ? WHERE id = ?", $id as i16, -$id * -2 - $id).execute(&$db).await.unwrap();
        };
    }

    let db = app_tables().await;
    doubled!(db, 1 + 2, 7 * 2);
    let user = app!("SELECT id, age, small FROM users WHERE id = 3").fetch_one(&db).await.unwrap();
    assert_eq!((user.id, user.age, user.small), (3, Some(14), Some(3)));
}

#[tokio::test]
async fn null_and_unset_are_bound_as_such() {
    let db = app_tables().await;
    run(&db, "INSERT INTO users (id, name, age) VALUES (1, 'Ada', 7)").await;
    let (name, age): (Option<&str>, _) = (None, MaybeUnset::<i32>::Unset);
    let update =
        app!("UPDATE users SET name = ?, age = ?, email = ? WHERE id = 1", name, age, Unset);
    update.execute(&db).await.unwrap();
    let user = app!("SELECT name, age FROM users WHERE id = 1").fetch_one(&db).await.unwrap();
    assert_eq!((user.name, user.age), (None, Some(7)));
}

/// `k`, `in(k)`, `idx(l)`, `key(m)`, `value(m)`, `u.f`, tuples, limits, `[ttl]`, `[timestamp]`, tokens, `[json]`, and
/// arguments of functions.
#[tokio::test]
async fn each_kind_of_marker_takes_its_type() {
    let db = app_tables().await;
    app!(
        "INSERT INTO bags (id, l, s, m, fl, t, home, work, homes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         USING TTL ? AND TIMESTAMP ?",
        1, [1, 2].as_slice(), ["a"].as_slice(), HashMap::from([("a", 1)]), vec![7], (1, "x"), address(),
        &address(), vec![address()], 1_000, 5
    )
    .execute(&db)
    .await
    .unwrap();
    app!(
        "UPDATE bags SET l[?] = ?, m[?] = ?, home.zip = ? WHERE id IN ?",
        1,
        8,
        "b",
        2,
        9,
        vec![1]
    )
    .execute(&db)
    .await
    .unwrap();
    app!("UPDATE bags SET s = s + ?, m = m - ? WHERE id = 1", ["b"].as_slice(), ["a"].as_slice())
        .execute(&db)
        .await
        .unwrap();
    app!("DELETE l[?], m[?] FROM bags WHERE id = ?", 0, "none", 1).execute(&db).await.unwrap();
    let bag = app!(
        r#"SELECT l, s, m, t, home AS "home!: Address", work AS "work: Address", homes AS "homes: Vec<Address>",
           m[?] AS b FROM bags WHERE id = ?"#,
        "b",
        1
    );
    let bag = bag.fetch_one(&db).await.unwrap();
    assert_eq!((bag.l, bag.m, bag.b), (vec![8], HashMap::from([("b".to_owned(), 2)]), Some(2)));
    assert_eq!(bag.s.len(), 2);
    assert_eq!(bag.t, Some((Some(1), Some("x".to_owned()))));
    assert_eq!(bag.home, Address { code: Some(9), ..address() });
    assert_eq!((bag.work, bag.homes), (Some(address()), vec![address()]));
    for (at, kind) in [(1, "a"), (2, "b"), (3, "c")] {
        let insert = app!(
            "INSERT INTO events (tenant, day, at, kind) VALUES (?, ?, ?, ?)",
            "x",
            1,
            at,
            kind
        );
        insert.execute(&db).await.unwrap();
    }
    let events = app!(
        "SELECT at FROM events WHERE tenant = ? AND day = ? AND (at, kind) > (?, ?) PER PARTITION LIMIT ? LIMIT ?",
        "x",
        1,
        1,
        "a",
        5,
        1
    );
    assert_eq!(events.fetch_scalar(&db).await.unwrap(), 2);
    let several = app!(
        "SELECT at FROM events WHERE tenant = ? AND day = ? AND (at, kind) IN ?",
        "x",
        1,
        vec![(1, "a"), (3, "c")]
    );
    assert_eq!(several.fetch_all(&db).await.unwrap().len(), 2);
    let all = app!(
        "SELECT at FROM events WHERE token(tenant, day) > ? AND token(tenant, day) <= token(?, ?)",
        i64::MIN, "x", 1; allow(scan)
    );
    assert_eq!(all.fetch_all(&db).await.unwrap().len(), 3);
    app!("INSERT INTO users JSON ?", r#"{"id": 5, "name": "Eve"}"#).execute(&db).await.unwrap();
    let json =
        app!("SELECT JSON id, name FROM users WHERE id = ?", 5).fetch_one(&db).await.unwrap();
    assert_eq!(json.json, r#"{"id": 5, "name": "Eve"}"#);
    app!("INSERT INTO users (id, photo, age) VALUES (6, text_as_blob(?), (int) ? + 1)", "ab", 1)
        .execute(&db)
        .await
        .unwrap();
    let user = app!("SELECT photo, age + (int) ? AS older FROM users WHERE id = 6", 5);
    let user = user.fetch_one(&db).await.unwrap();
    assert_eq!((user.photo, user.older), (Some(b"ab".to_vec()), Some(7)));
    app!("INSERT INTO vectors (id, v) VALUES (?, ?)", 1, vec![1.0, 0.0, 0.0])
        .execute(&db)
        .await
        .unwrap();
    let near = app!(
        "SELECT id, similarity_cosine(v, ?) AS nearness FROM vectors ORDER BY v ANN OF ? LIMIT 1",
        [1.0_f32, 0.0, 0.0].as_slice(), [1.0_f32, 0.0, 0.0].as_slice(); allow(scan)
    );
    let near = near.fetch_one(&db).await.unwrap();
    assert_eq!((near.id, near.nearness), (1, Some(1.0)));
}

#[tokio::test]
async fn more_than_sixteen_columns_and_markers_are_no_limit() {
    let db = app_tables().await;
    app!(
        "INSERT INTO users (id, name, email, age, height, rich, photo, small, tiny, ratio, long, code, lasts, wide, \
         exact, day, at, seen, born) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        1, "n", "e", 2, 3.5, true, vec![4], 5, 6, 7.5, 8, "c", Unset, Unset, Unset, Unset, Unset, Unset, Unset
    )
    .execute(&db)
    .await
    .unwrap();
    let user = app!("SELECT * FROM users WHERE id = ?", 1).fetch_one(&db).await.unwrap();
    assert_eq!(
        (user.id, user.name.as_deref(), user.age, user.height),
        (1, Some("n"), Some(2), Some(3.5))
    );
    assert_eq!(
        (user.small, user.tiny, user.ratio, user.long),
        (Some(5), Some(6), Some(7.5), Some(8))
    );
    assert_eq!((user.born, user.seen, user.ticket, user.host), (None, None, None, None));
}

#[derive(Debug, DeserializeRow)]
struct Named {
    #[expect(dead_code, reason = "it is not read")]
    name: Option<String>,
}

/// What was serialised for one type is no value of another one.
#[tokio::test]
async fn a_table_that_is_not_as_in_the_schema_file_is_an_error_that_names_both_types() {
    let db = crate::support::connect(&[
        "users (id bigint PRIMARY KEY, name int, born timestamp)",
        "bags (id int PRIMARY KEY, l list<text>)",
    ])
    .await;
    let stack = full_stack(db.session().unwrap());
    for (error, expected) in [
        (
            app!("SELECT name FROM users WHERE id = ?", 1)
                .fetch_optional(&stack)
                .await
                .err()
                .unwrap(),
            "column id: bigint is the server's type, and the program was compiled for int",
        ),
        (
            app!("UPDATE bags SET l = ? WHERE id = ?", vec![1], 1)
                .execute(&stack)
                .await
                .err()
                .unwrap(),
            "column l: list<text> is the server's type, and the program was compiled for list<int>",
        ),
    ] {
        assert!(
            matches!(error.kind(), ErrorKind::Values(said) if said.starts_with(expected)),
            "{error}"
        );
    }
    run(&db, "INSERT INTO users (id, name) VALUES (1, 7)").await;
    let select = app!("SELECT name FROM users LIMIT 1"; allow(scan));
    let error = select.fetch_one(&stack).await.err().unwrap();
    assert!(
        error
            .to_string()
            .contains("column name: int is read as `i32`, and `Option<String>` was asked for"),
        "{error}"
    );
    let error =
        app_as!(Named, "SELECT id, name FROM users LIMIT 1"; allow(scan)).fetch_one(&stack).await;
    let error = error.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column name: int is read as `i32`, and `Option<String>` was asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn a_value_that_its_type_cannot_hold_is_an_error_that_names_the_marker() {
    use chrono::{NaiveTime, Timelike};
    use cqlstack_core::value::chrono_04 as chrono;

    let db = app_tables().await;
    // A leap second, which the type `time` has not.
    let leap = NaiveTime::from_hms_opt(23, 59, 59).unwrap().with_nanosecond(1_500_000_000).unwrap();
    let insert =
        app!("INSERT INTO users (id, name, day, long) VALUES (?, ?, ?, ?)", 1, "hush", leap, 7);
    let error = insert.execute(&db).await.err().unwrap();
    let said = "column day: the `NaiveTime` is beyond what time can hold";
    assert!(matches!(error.kind(), ErrorKind::Values(it) if it == said), "{error:?}");
    assert!(!format!("{error:?}").contains("hush"));
}
