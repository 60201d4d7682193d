use super::*;
use crate::Request;

static INSERT: StaticStatement =
    StaticStatement::new("INSERT INTO t (k) VALUES (?)").named("insert").idempotent(true);

#[test]
fn numbers_are_used_once_and_none_comes_after_the_last() {
    let next = AtomicU32::new(u32::MAX - 2);
    let taken: Vec<_> = (0..4).map(|_| take_number(&next)).collect();
    assert_eq!(taken, [u32::MAX - 2, u32::MAX - 1, u32::MAX, u32::MAX]);
}

#[test]
fn a_static_one_is_read_at_first_use() {
    let insert = Statement::from_static(&INSERT);
    assert_eq!(
        (insert.name(), insert.kind(), insert.is_idempotent()),
        ("insert", StatementKind::Write, true)
    );
    assert_eq!(insert.id(), Statement::from(&INSERT).id());
}

#[test]
fn changing_a_clone_leaves_the_original_and_gives_it_another_id() {
    let plain = Statement::new("UPDATE t SET a = ? WHERE k = ?");
    assert_eq!(plain.clone().id(), plain.id());
    let renamed = plain.clone().named("set_a").idempotent(false);
    assert_eq!((plain.name(), plain.is_idempotent()), ("UPDATE t", true));
    assert_eq!((renamed.name(), renamed.is_idempotent()), ("set_a", false));
    assert_ne!(renamed.id(), plain.id());
}

#[test]
fn nobody_makes_a_counter_or_a_condition_idempotent() {
    let conditional = Statement::new("DELETE FROM t WHERE k = ? IF EXISTS").idempotent(true);
    assert!(!conditional.is_idempotent());
    let update = Statement::new("UPDATE t SET n = n + ? WHERE k = ?").idempotent(true);
    assert!(update.is_idempotent());
    let counter = SchemaFacts { counter: true, ..SchemaFacts::default() };
    assert_eq!(update.kind_with(counter), StatementKind::Counter);
    assert!(!update.is_idempotent_with(counter));
}

#[test]
fn debug_shows_no_literal() {
    let statement = Statement::new("INSERT INTO t (k) VALUES ('secret')");
    assert!(!format!("{statement:?}").contains("secret"));
}

#[test]
fn a_profile_asks_for_no_pages_and_for_pages_again() {
    let paged = |paging, page_size, statement: Statement| {
        let profile = Profile { page_size, paging, ..Profile::default() };
        let request = Request::from(statement.with_profile(&profile));
        (request.is_unpaged(), request.page_size())
    };
    let plain = || Statement::new("SELECT a FROM t");
    assert_eq!(paged(Some(false), None, plain().with_page_size(5)), (true, None));
    assert_eq!(paged(Some(true), None, plain().without_paging()), (false, None));
    assert_eq!(paged(Some(true), Some(7), plain().without_paging()), (false, Some(7)));
    assert_eq!(paged(Some(true), None, plain().with_page_size(5)), (false, Some(5)));
    assert_eq!(paged(None, None, plain().without_paging()), (true, None));
    assert_eq!(paged(None, Some(7), plain().without_paging()), (false, Some(7)));
}

#[test]
fn a_text_and_a_name_may_be_made_at_run_time() {
    let of = |tenant: &str| {
        let text = format!("SELECT a FROM {tenant}.t WHERE k = ?");
        Statement::from(text).named(format!("a_of_{tenant}"))
    };
    assert_eq!((of("acme").name(), of("acme").kind()), ("a_of_acme", StatementKind::Read));
    assert_eq!(Statement::from("SELECT a FROM t").name(), "SELECT t");
}
