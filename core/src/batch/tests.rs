use super::*;
use crate::error::ErrorKind;
use crate::request::Request;
use crate::testing::{Answer, ScriptedSession};
use crate::{Client, ErrorClass, Prepared, StatementKind};

const INSERT: &str = "INSERT INTO ks.t (k, v) VALUES (?, ?)";

fn statements(texts: &[&'static str], batch: Batch<'static>) -> Request {
    texts.iter().fold(batch, |batch, text| batch.add(Statement::new(*text), ())).into()
}

fn fault(request: &Request) -> Option<BatchFault> {
    request.fault().cloned()
}

#[test]
fn what_layers_see_of_it_is_what_its_statements_make_it() {
    use StatementKind::{Conditional, Counter, LoggedBatch, MultiPartition, Other, Write};
    let warned = || Batch::same_partition().with_guard(BatchGuard::Warn);
    let conditional = "UPDATE ks.t SET v = 1 WHERE k = 1 IF v = 0";
    let list = "UPDATE ks.t SET l = l + [1] WHERE k = 1";
    for (batch, texts, kind, idempotent) in [
        (Batch::logged(), vec![INSERT], LoggedBatch, true),
        (Batch::same_partition(), vec![INSERT, INSERT], Write, true),
        (warned(), vec![INSERT], MultiPartition, true),
        (Batch::logged(), vec![INSERT, list], LoggedBatch, false),
        (Batch::same_partition(), vec![INSERT, conditional], Conditional, false),
        (Batch::counter(), vec!["UPDATE ks.c SET n = n + ? WHERE k = ?"], Counter, false),
        (Batch::logged(), vec![INSERT, "a dialect of others"], Other, false),
    ] {
        let request = statements(&texts, batch);
        let statement = request.statement();
        assert_eq!((statement.kind(), statement.is_idempotent()), (kind, idempotent), "{texts:?}");
        let takes = !matches!(kind, Conditional | Counter | Other);
        assert_eq!(request.timestamp().is_some(), takes, "{texts:?}");
    }
}

#[test]
fn its_user_may_say_whether_it_can_be_sent_twice_but_for_counters() {
    let list = "UPDATE ks.t SET l = l + [1] WHERE k = 1";
    let said = |batch: Batch<'static>| statements(&[list], batch).statement().is_idempotent();
    assert!(said(Batch::logged().idempotent(true)));
    assert!(!statements(&[INSERT], Batch::logged().idempotent(false)).statement().is_idempotent());
    assert!(!said(Batch::counter().idempotent(true)));
}

#[test]
fn it_has_a_name_and_no_number_of_its_own() {
    let plain = statements(&[INSERT], Batch::counter());
    let named = statements(&[INSERT], Batch::counter().named("tick"));
    assert_eq!((plain.statement().name(), named.statement().name()), ("COUNTER BATCH", "tick"));
    assert_eq!(plain.statement().id(), named.statement().id());
    assert_eq!(plain.statement().id(), u32::MAX - 1);
}

#[test]
fn the_same_statement_is_prepared_once() {
    let insert = Statement::new(INSERT);
    let mut batch = Batch::logged();
    for k in 0..100 {
        batch.push(&insert, (k, k));
        batch.push(Statement::new("DELETE FROM ks.t WHERE k = ?"), (k,));
    }
    assert_eq!((batch.len(), batch.is_empty()), (200, false));
    let mut request = Request::from(batch);
    let mut prepared = 0;
    while let Some(statement) = request.unprepared() {
        let made = Prepared::made(statement);
        request.attach_prepared(made).unwrap();
        prepared += 1;
    }
    assert_eq!(prepared, 2);
    let other = Prepared::made(&insert);
    assert!(request.attach_prepared(other).is_ok(), "there is nothing left to be bound");
}

#[test]
fn another_statement_than_the_next_cannot_be_bound() {
    let request = statements(&[INSERT], Batch::logged());
    let other = Prepared::made(&Statement::new("DELETE FROM ks.t WHERE k = ?"));
    assert!(request.bind(&other).is_err());
}

#[test]
fn what_cannot_be_a_batch_is_known_before_anything_is_prepared() {
    let named = |index, name: &str| Member { index, name: name.to_owned() };
    let tick = "UPDATE ks.c SET n = n + 1 WHERE k = 1";
    for (batch, texts, expected) in [
        (Batch::logged(), vec![], BatchFault::Empty),
        (
            Batch::logged(),
            vec![INSERT, "SELECT v FROM ks.t"],
            BatchFault::NotAWrite(named(1, "SELECT ks.t")),
        ),
        (
            Batch::same_partition(),
            vec!["BEGIN BATCH APPLY BATCH"],
            BatchFault::NotAWrite(named(0, "BATCH")),
        ),
        (Batch::logged(), vec!["TRUNCATE ks.t"], BatchFault::NotAWrite(named(0, "TRUNCATE ks.t"))),
        (Batch::logged(), vec![INSERT, INSERT, tick], BatchFault::Counter(named(2, "UPDATE ks.c"))),
        (Batch::counter(), vec![tick, INSERT], BatchFault::NoCounter(named(1, "INSERT ks.t"))),
    ] {
        let request = statements(&texts, batch);
        assert_eq!(fault(&request), Some(expected), "{texts:?}");
        assert!(request.unprepared().is_none(), "{texts:?}");
    }
    // Only preparing them tells that these count.
    let counts = "UPDATE ks.c SET n = n + ? WHERE k = ?";
    assert_eq!(fault(&statements(&[counts], Batch::counter())), None);
    assert_eq!(fault(&statements(&[counts], Batch::logged())), None);
}

#[test]
fn a_batch_has_at_most_65535_statements() {
    let insert = Statement::new(INSERT);
    let of = |statements| {
        let mut batch = Batch::logged();
        (0..statements).for_each(|k| batch.push(&insert, (k, k)));
        fault(&batch.into())
    };
    assert_eq!(of(65_535), None);
    assert_eq!(of(65_536), Some(BatchFault::TooMany { statements: 65_536 }));
}

#[test]
fn nothing_that_prints_shows_a_value() {
    let insert = Statement::new("INSERT INTO ks.t (k, v) VALUES (?, 'hush')");
    let batch = Batch::logged().add(&insert, ("hush".to_owned(),));
    let shown = format!("{batch:?}");
    let request = Request::from(batch);
    assert!(!format!("{shown} {request:?}").contains("hush"));
}

#[tokio::test]
async fn a_scripted_session_answers_it_by_its_name_and_refuses_what_cannot_be() {
    let session = ScriptedSession::new().on("pair", [Answer::done()]);
    let db = Client::new(session.clone());
    let pair = Batch::logged().named("pair").add(Statement::new(INSERT), (1, 1));
    db.request(pair).await.unwrap();
    let error = db.request(Batch::logged()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Batch(BatchFault::Empty));
    assert_eq!((error.class(), session.executes()), (ErrorClass::Permanent, 1));
    println!("{error}");
}
