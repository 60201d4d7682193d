//! Logging in with a password.

use std::time::{Duration, Instant};

use cqlstack_core::{Client, ErrorClass, ErrorKind, Session, SessionBuilder};
use cqlstack_tests::cluster::{Cluster, PASSWORD, USER};
use tokio::time::sleep;

use crate::forged::Forged;
use crate::support::{HEAVY, run};

const CASSANDRA: &str = "org.apache.cassandra.auth.PasswordAuthenticator";

/// C46: three contact points, and nobody is asked again and again.
#[tokio::test]
async fn a_wrong_password_is_tried_a_few_times_only() {
    let mut forged = Forged::start(3).await;
    let mut answers = forged.ask_for_password(CASSANDRA);
    let began = Instant::now();
    let error = login(&forged).build().await.unwrap_err();
    println!("after {:.1?}: {error}", began.elapsed());
    assert_eq!(*error.kind(), ErrorKind::Authentication);
    assert!(began.elapsed() < Duration::from_secs(5));
    // The session is gone; whoever were left would try again within its first back-off.
    sleep(Duration::from_secs(if HEAVY { 30 } else { 1 })).await;
    let tried = answers.count();
    println!("tried {tried} times");
    assert!((1..=10).contains(&tried));
}

#[tokio::test]
async fn whoever_asks_by_another_name_gets_no_password_unless_it_is_allowed() {
    let mut forged = Forged::start(1).await;
    let mut answers = forged.ask_for_password("EvilAuthenticator");
    let error = login(&forged).build().await.unwrap_err();
    println!("{error}");
    let name = "EvilAuthenticator".to_owned();
    assert_eq!(*error.kind(), ErrorKind::UnknownAuthenticator { name });
    assert_eq!(answers.count(), 0);
    let allowed = login(&forged).allow_authenticator("EvilAuthenticator");
    assert_eq!(*allowed.build().await.unwrap_err().kind(), ErrorKind::Authentication);
    assert!(answers.count() > 0);
}

fn login(forged: &Forged) -> SessionBuilder {
    Session::builder().contact_points(forged.points()).user("ada", "hush")
}

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
