use std::time::Duration;

use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::*;
use crate::{
    Batch, Client, ColumnType, Conditional, Consistency, Error, ErrorClass, ErrorKind, NativeType,
    PagingState, Prepared, Request, Statement, Waited,
};

fn number(n: i32) -> Answer {
    Answer::rows([("n", ColumnType::Native(NativeType::Int))], [(n,)]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_come_by_name_then_in_sequence_then_otherwise() {
    let session = ScriptedSession::new()
        .on("named", [number(1)])
        .then([number(2), number(3)])
        .otherwise(number(4));
    let db = Client::new(session);
    let named = Statement::new("SELECT n FROM t").named("named");
    let other = Statement::new("SELECT n FROM t");
    let mut seen = Vec::new();
    for statement in [&other, &named, &named, &named, &other] {
        seen.push(db.request(statement).await.unwrap().value::<i32>().unwrap());
    }
    assert_eq!(seen, [2, 1, 3, 4, 4]);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_kept_with_its_options_and_its_time() {
    let session = ScriptedSession::new().otherwise(Answer::done().after(Duration::from_secs(5)));
    let db = Client::new(session.clone());
    let select = Statement::new("SELECT n FROM t WHERE k = ?");
    db.request(Request::prepare(&select)).await.unwrap();
    let request = Request::new(&select, (1,)).with_consistency(Consistency::One);
    db.request(request.with_page_size(7)).await.unwrap();
    db.request(&select).await.unwrap();
    let sent = session.sent();
    assert!(sent[0].is_prepare() && !sent[1].is_prepare());
    assert_eq!(sent[1].request.consistency(), Some(Consistency::One));
    assert_eq!(sent[1].request.page_size(), Some(7));
    assert_eq!(sent[2].at - sent[1].at, Duration::from_secs(5));
    assert_eq!((session.prepares(), session.executes()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn errors_have_the_class_that_a_real_session_gives_them() {
    let session = ScriptedSession::new().otherwise(Answer::error(ErrorKind::Overloaded));
    let db = Client::new(session);
    let insert = Statement::new("INSERT INTO t (n) VALUES (1)");
    let class = async |statement: &Statement| db.request(statement).await.unwrap_err().class();
    assert_eq!(class(&Statement::new("SELECT n FROM t")).await, ErrorClass::Overload);
    assert_eq!(class(&insert).await, ErrorClass::Ambiguous);
}

#[tokio::test(start_paused = true)]
async fn a_hang_ends_by_dropping_and_is_then_not_in_flight() {
    let session = ScriptedSession::new().otherwise(Answer::never());
    let db = Client::new(session.clone());
    let select = Statement::new("SELECT n FROM t");
    assert!(timeout(Duration::from_secs(60), db.request(&select)).await.is_err());
    assert_eq!((session.in_flight(), session.peak()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn prepares_fail_and_hang_as_told_and_then_succeed() {
    let session =
        ScriptedSession::new().on_prepare("n", [Answer::error(ErrorKind::Syntax), Answer::never()]);
    let db = Client::new(session.clone());
    let select = Statement::new("SELECT n FROM t").named("n");
    let prepare = || db.request(Request::prepare(&select));
    assert_eq!(*prepare().await.unwrap_err().kind(), ErrorKind::Syntax);
    assert!(timeout(Duration::from_secs(60), prepare()).await.is_err());
    let prepared = prepare().await.unwrap().prepared().unwrap().clone();
    assert!(prepared.is_current());
    session.change_schema();
    assert!(!prepared.is_current());
}

#[tokio::test(start_paused = true)]
async fn pages_follow_one_another() {
    let page = PagingState::from_bytes(&[1]);
    let session = ScriptedSession::new().then([number(1).followed_by(page), number(2)]);
    let db = Client::new(session);
    let select = Statement::new("SELECT n FROM t");
    let first = db.request(&select).await.unwrap();
    assert!(first.rows::<(i32,)>().is_err());
    let next = Request::from(&select).with_page(first.next_page().unwrap());
    assert!(db.request(next).await.unwrap().next_page().is_none());
}

#[tokio::test]
#[should_panic(expected = "the script has no answer for `SELECT t`")]
async fn a_script_that_runs_out_fails_the_test_and_names_the_statement() {
    let db = Client::new(ScriptedSession::new());
    let _ = db.request(Statement::new("SELECT n FROM t")).await;
}

const SCHEMA: &str = "
    CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
    CREATE TYPE app.place (city text, zip int);
    CREATE TABLE app.users (id int PRIMARY KEY, name text, tags set<text>, home frozen<place>);
    CREATE TABLE app.jobs (k int, c int, owner text, version int, leader text STATIC, PRIMARY KEY (k, c));
";

fn with_schema() -> (ScriptedSession, Client<ScriptedSession>) {
    let session = ScriptedSession::new().with_schema(SCHEMA).otherwise(Answer::done());
    (session.clone(), Client::new(session))
}

#[tokio::test]
async fn bound_values_are_decoded_by_the_types_of_the_schema() {
    let (session, db) = with_schema();
    let insert = Statement::new("INSERT INTO app.users (id, name, tags) VALUES (?, ?, ?)");
    let values = (7, "Ada", vec!["a", "b"]);
    db.execute(&insert, values.clone()).await.unwrap();
    let bound = Request::new(&insert, values).bind(&Prepared::made(&insert)).unwrap();
    db.request(bound).await.unwrap();
    for sent in session.sent() {
        let (id, name, tags): (i32, String, Vec<String>) = sent.values().unwrap();
        assert_eq!((id, &*name, tags), (7, "Ada", vec!["a".to_owned(), "b".to_owned()]));
    }
    let select = Statement::new("SELECT name FROM app.users WHERE id IN ? LIMIT ?");
    db.execute(&select, (vec![1, 2], 10)).await.unwrap();
    let sent = session.sent().pop().unwrap();
    assert_eq!(sent.values::<(Vec<i32>, i32)>().unwrap(), (vec![1, 2], 10));
    let error = sent.values::<(String, i32)>().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Rows(_)), "{error}");
}

#[tokio::test]
async fn values_that_do_not_fit_are_refused_as_by_a_server() {
    let (session, db) = with_schema();
    let rename = Statement::new("UPDATE app.users SET name = ? WHERE id = ?");
    let error = db.execute(&rename, (7, "Ada")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
    assert_eq!(error.class(), ErrorClass::Permanent);
    let error = db.execute(&rename, ("Ada",)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
    assert_eq!(session.executes(), 0);
}

#[tokio::test]
async fn each_statement_of_a_batch_has_its_values() {
    let (session, db) = with_schema();
    let rename = Statement::new("UPDATE app.users SET name = ? WHERE id = ?");
    let batch = Batch::logged().add(&rename, ("Ada", 1)).add(&rename, ("Bob", 2));
    db.request(batch).await.unwrap();
    let sent = session.sent().pop().unwrap();
    assert_eq!(sent.values_of::<(String, i32)>(1).unwrap(), ("Bob".to_owned(), 2));
    assert!(sent.values_of::<(String, i32)>(2).is_err());
}

#[tokio::test]
async fn without_a_schema_the_error_says_what_to_do() {
    let session = ScriptedSession::new().otherwise(Answer::done());
    let select = Statement::new("SELECT name FROM app.users WHERE id = ?");
    Client::new(session.clone()).execute(&select, (1,)).await.unwrap();
    let error = session.sent()[0].values::<(i32,)>().unwrap_err();
    assert!(error.to_string().contains("with_schema"), "{error}");
}

#[tokio::test]
async fn the_columns_of_rows_come_from_the_schema() {
    let id = Uuid::from_u128(7);
    let rows = Answer::rows_by_schema([(7, None::<&str>), (8, Some("Bob"))]).traced(id);
    let session = ScriptedSession::new().with_schema(SCHEMA).on("named", [rows]);
    let select = Statement::new("SELECT id, name AS who FROM app.users").named("named");
    let answer = Client::new(session).request(&select).await.unwrap();
    let names: Vec<_> = answer.columns().map(|(name, _)| name.to_owned()).collect();
    assert_eq!((names, answer.tracing_id()), (vec!["id".to_owned(), "who".to_owned()], Some(id)));
    let rows: Result<Vec<(i32, Option<&str>)>, Error> = answer.rows().unwrap().collect();
    assert_eq!(rows.unwrap(), [(7, None), (8, Some("Bob"))]);
}

#[tokio::test]
#[should_panic(expected = "the script's answer to `SELECT app.users`: ")]
async fn rows_that_do_not_fit_fail_the_test() {
    let rows = Answer::rows_by_schema([("Ada", 7)]);
    let db = Client::new(ScriptedSession::new().with_schema(SCHEMA).otherwise(rows));
    let _ = db.request("SELECT id, name FROM app.users").await;
}

#[test]
#[should_panic(expected = "the schema of a scripted session: line 1")]
fn a_schema_that_is_none_fails_the_test() {
    let _ = ScriptedSession::new().with_schema("CREATE TABEL t (k int PRIMARY KEY)");
}

#[tokio::test]
async fn conditional_statements_are_applied_or_not_as_told() {
    let take = Statement::new(
        "UPDATE app.jobs SET owner = ? WHERE k = ? AND c = ? IF leader = ? AND version = ? AND owner = ?",
    );
    let session = ScriptedSession::new().with_schema(SCHEMA).then([
        Answer::applied(),
        // The static column comes last.
        Answer::not_applied((3, Some("me"), "you")),
        Answer::not_applied((1, 2, "lead", "own", 5)),
        Answer::not_applied_without_row(),
        Answer::not_applied((1, 2, 5)),
    ]);
    let db = Client::new(session);
    let values = ("me", 1, 2, "you", 3, "me");
    let applied = db.execute(&take, values).await.unwrap();
    assert_eq!(applied.conditional::<(i32,)>().unwrap(), Conditional::Applied);
    let found = db.execute(&take, values).await.unwrap();
    let found = found.conditional::<(i32, Option<String>, String)>().unwrap();
    let row = (3, Some("me".to_owned()), "you".to_owned());
    assert_eq!(found, Conditional::NotApplied(vec![row]));

    let insert =
        Statement::new("INSERT INTO app.jobs (k, c, owner) VALUES (1, 2, 'o') IF NOT EXISTS");
    let found = db.request(&insert).await.unwrap();
    let names: Vec<_> = found.columns().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["[applied]", "k", "c", "leader", "owner", "version"]);
    let nothing = db.execute(&take, values).await.unwrap();
    assert_eq!(nothing.conditional::<(i32,)>().unwrap(), Conditional::NotApplied(vec![]));

    let check =
        Statement::new("UPDATE app.jobs SET owner = ? WHERE k = ? AND c = ? IF version = ?");
    let batch = Batch::same_partition().add(&check, ("me", 1, 2, 3));
    let found = db.request(batch).await.unwrap();
    assert_eq!(
        found.conditional::<(i32, i32, i32)>().unwrap(),
        Conditional::NotApplied(vec![(1, 2, 5)])
    );
}

#[tokio::test(start_paused = true)]
async fn the_place_is_kept_from_which_a_page_was_asked_for() {
    let session = ScriptedSession::new().otherwise(number(1));
    let db = Client::new(session.clone());
    let page = PagingState::from_bytes(&[7]);
    let select = Statement::new("SELECT n FROM t");
    db.request(&select).await.unwrap();
    db.request(Request::from(&select).with_page(page.clone())).await.unwrap();
    let places: Vec<_> = session.sent().into_iter().map(|sent| sent.page).collect();
    assert!(places == [PagingState::default(), page.clone()]);

    let unpaged = Request::from(&select).without_paging();
    assert!(db.request(unpaged.clone()).await.is_ok());
    assert!(session.sent()[2].request.is_unpaged());
    let refused = [unpaged.with_page(page), Request::from(&select).with_page_size(0)];
    for request in refused {
        let error = db.request(request).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)), "{error}");
    }
    assert_eq!(session.executes(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_when_its_time_is_over() {
    let second = Duration::from_secs(1);
    let session = ScriptedSession::new()
        .on_prepare("n", [Answer::never()])
        .then([Answer::never(), Answer::never(), number(1).after(second)])
        .otherwise(number(1).after(second * 2));
    let db = Client::new(session.clone());
    let select = Statement::new("SELECT n FROM t").named("n");
    let request = || Request::from(&select);
    let began = Instant::now();
    let by_deadline = || request().with_deadline(began + second * 3);
    let ended =
        async |request: Request| db.request(request).await.map_err(|error| error.kind().clone());
    assert_eq!(ended(by_deadline()).await.unwrap_err(), ErrorKind::Timeout { after: second * 3 });
    assert_eq!(began.elapsed(), second * 3);
    // It has passed.
    let late = ErrorKind::DeadlinePassed(Waited::BeforeTheSession);
    assert_eq!(ended(by_deadline()).await.unwrap_err(), late);
    let one = || request().with_attempt_timeout(second * 3 / 2);
    let timeout = ErrorKind::Timeout { after: second * 3 / 2 };
    assert_eq!(ended(one()).await.unwrap_err(), timeout);
    assert!(ended(one()).await.is_ok());
    assert_eq!(ended(one()).await.unwrap_err(), timeout);
    let prepare = Request::prepare(&select).with_attempt_timeout(second);
    assert_eq!(ended(prepare).await.unwrap_err(), ErrorKind::PrepareTimeout { after: second });
    assert_eq!((session.executes(), session.in_flight()), (4, 0));
}

#[derive(Debug, PartialEq, scylla::SerializeValue, scylla::DeserializeValue)]
#[scylla(crate = scylla)]
struct Place {
    zip: i32,
}

#[tokio::test]
async fn a_type_of_users_is_of_the_keyspace_of_its_table() {
    let schema = "
        CREATE KEYSPACE a WITH x = 1; CREATE TYPE a.place (city text);
        CREATE KEYSPACE b WITH x = 1; CREATE TYPE b.place (zip int);
        CREATE TABLE b.t (k int PRIMARY KEY, home frozen<place>);
    ";
    let session = ScriptedSession::new().with_schema(schema).otherwise(Answer::done());
    let insert = Statement::new("INSERT INTO b.t (k, home) VALUES (?, ?)");
    Client::new(session.clone()).execute(&insert, (1, Place { zip: 7 })).await.unwrap();
    assert_eq!(session.sent()[0].values::<(i32, Place)>().unwrap(), (1, Place { zip: 7 }));
}

#[test]
#[should_panic(expected = "no page follows what fails")]
fn an_error_is_followed_by_no_page() {
    let _ = Answer::never().followed_by(PagingState::from_bytes(&[1]));
}

#[test]
fn outside_of_a_runtime_it_ends_with_an_error() {
    let db = Client::new(ScriptedSession::new().otherwise(Answer::done()));
    let error = futures::executor::block_on(db.request("SELECT n FROM t")).unwrap_err();
    assert!(error.to_string().starts_with("SELECT t: there is no tokio runtime here"), "{error}");
}
