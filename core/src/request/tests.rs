use super::*;

#[test]
fn each_logical_write_has_one_timestamp_that_clones_keep() {
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
    let first = Request::new(&insert, (1,));
    let second = Request::new(&insert, (1,));
    assert!(first.timestamp() < second.timestamp());
    assert_eq!(first.clone().timestamp(), first.timestamp());
    assert_eq!(first.clone().with_timestamp(Some(7)).timestamp(), Some(7));
    assert_eq!(first.with_timestamp(None).timestamp(), None);
}

#[test]
fn what_has_no_use_for_a_timestamp_gets_none() {
    for text in ["SELECT a FROM t", "DELETE FROM t WHERE k = 1 IF EXISTS", "TRUNCATE t"] {
        assert_eq!(Request::from(&Statement::new(text)).timestamp(), None, "{text}");
    }
}

#[test]
fn debug_shows_no_value() {
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, 'secret')");
    let request = Request::new(&insert, ("secret".to_owned(),));
    let bound = request.clone().bind(&Prepared::made(&insert)).unwrap();
    let mut late = request.clone();
    late.attach_prepared(Prepared::made(&insert)).unwrap();
    assert!(!format!("{request:?} {bound:?} {late:?}").contains("secret"));
}

#[test]
fn binding_to_another_text_is_an_error() {
    let prepared = Prepared::made(&Statement::new("INSERT INTO t (k) VALUES (?)"));
    let other = Statement::new("DELETE FROM t WHERE k = ?");
    let error = Request::new(&other, (1,)).bind(&prepared).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)));
    let same = Statement::new("INSERT INTO t (k) VALUES (?)").named("same");
    assert!(Request::new(&same, (1,)).bind(&prepared).is_ok());
    let attach_prepared =
        |statement| Request::new(statement, (1,)).attach_prepared(prepared.clone());
    assert!(attach_prepared(&same).is_ok());
    assert!(attach_prepared(&other).is_err());
}

#[test]
fn binding_what_prepares_is_an_error() {
    let insert = Statement::new("INSERT INTO t (k) VALUES (?)");
    let error = Request::prepare(&insert).bind(&Prepared::made(&insert)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidRequest(_)));
}
