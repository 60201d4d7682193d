use super::*;
use crate::NativeType;

const NATIVE: fn(NativeType) -> ColumnType<'static> = ColumnType::Native;

fn select() -> Statement {
    Statement::new("SELECT id, name FROM app.users")
}

fn users() -> Response {
    let columns = [("id", NATIVE(NativeType::Int)), ("name", NATIVE(NativeType::Text))];
    Response::from_rows(&select(), columns, [(1, Some("Ada")), (2, None)]).unwrap()
}

#[test]
fn rows_are_typed_and_may_borrow() {
    let users = users();
    let rows: Vec<(i32, Option<&str>)> = users.rows().unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [(1, Some("Ada")), (2, None)]);
    let mut rows = users.rows::<(i32, Option<&str>)>().unwrap();
    for left in [2, 1, 0] {
        assert_eq!((rows.len(), rows.next().is_some()), (left, left > 0));
    }
    assert!(rows.next().is_none());
    assert_eq!(users.row::<(i32, &str)>().unwrap(), (1, "Ada"));
    assert_eq!(users.maybe_row::<(i32, String)>().unwrap(), Some((1, "Ada".to_owned())));
}

#[test]
fn all_rows_of_one_page_of_several_is_an_error_that_says_how_to_go_on() {
    let page = users().followed_by(PagingState::from_bytes(&[1]));
    let error = page.rows::<(i32, Option<&str>)>().unwrap_err();
    assert!(error.to_string().contains("with_page"), "{error}");
    assert_eq!(page.page::<(i32, Option<&str>)>().unwrap().count(), 2);
    assert!(page.next_page().is_some());
}

#[test]
fn a_wrong_type_and_a_null_are_errors_that_name_the_column() {
    let users = users();
    let error = users.rows::<(String, String)>().unwrap_err();
    assert!(error.to_string().contains("id"), "{error}");
    let error = users.rows::<(i32, &str)>().unwrap().nth(1).unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "SELECT app.users: row 1 cannot be decoded: column name: text is null, and `&str` cannot be \
         null: read `Option<&str>`"
    );
}

#[test]
fn an_answer_without_rows_gives_none() {
    let done = Response::done(&select());
    assert_eq!(done.rows::<(i32,)>().unwrap().count(), 0);
    assert_eq!(done.maybe_row::<(i32,)>().unwrap(), None);
    assert!(done.value::<i32>().unwrap_err().to_string().contains("maybe_row"));
}

#[test]
fn values_that_do_not_fit_the_columns_are_refused() {
    let columns = [("id", NATIVE(NativeType::Int))];
    let error = Response::from_rows(&select(), columns, [("Ada",)]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Values(_)));
}
