//! Logging in with a password.

use cqlstack_core::{Client, ErrorClass, ErrorKind, Session, SessionBuilder};
use cqlstack_tests::cluster::{Cluster, PASSWORD, USER};

use crate::support::run;

#[tokio::test]
async fn the_right_password_opens_and_anything_else_is_an_error_at_once() {
    let cluster = Cluster::builder().password_auth().start().await.unwrap();
    let builder =
        || -> SessionBuilder { Session::builder().contact_points(cluster.contact_points()) };

    let db = Client::new(builder().user(USER, PASSWORD).build().await.unwrap());
    assert_eq!(run(&db, "SELECT key FROM system.local").await.rows_count(), 1);

    let wrong = builder().user(USER, "hush-wrong").build().await.unwrap_err();
    println!("{wrong}");
    assert_eq!(*wrong.kind(), ErrorKind::Authentication);
    assert_eq!(wrong.class(), ErrorClass::Permanent);
    assert!(!format!("{wrong} {wrong:?}").contains("hush"));

    let none = builder().build().await.unwrap_err();
    println!("{none}");
    assert_eq!(*none.kind(), ErrorKind::Authentication);

    run(&db, "CREATE ROLE ada WITH PASSWORD = 'lovelace' AND LOGIN = true").await;
    let ada = Client::new(builder().user("ada", "lovelace").build().await.unwrap());
    let drop = cqlstack_core::Statement::new("DROP ROLE cassandra");
    let forbidden = ada.request(&drop).await.unwrap_err();
    println!("{forbidden}");
    assert_eq!(*forbidden.kind(), ErrorKind::Unauthorized);
}
