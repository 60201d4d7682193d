//! What many tests begin with.

use cqlstack_core::{Client, Response, Session, SessionBuilder, Statement};
use cqlstack_tests::cluster::Cluster;

/// A session with the shared cluster, in a keyspace of its own with these tables.
pub(crate) async fn connect(tables: &[&str]) -> Client<Session> {
    let builder = shared_builder().await.keyspace(keyspace().await);
    let db = Client::new(builder.build().await.unwrap());
    for table in tables {
        run(&db, &format!("CREATE TABLE {table}")).await;
    }
    db
}

/// The name of a new keyspace of one replica.
pub(crate) async fn keyspace() -> String {
    Cluster::shared().await.unwrap().keyspace(1).await.unwrap().name().to_owned()
}

pub(crate) async fn shared_builder() -> SessionBuilder {
    Session::builder().contact_points(Cluster::shared().await.unwrap().contact_points())
}

/// Runs a statement without values, which has to succeed.
pub(crate) async fn run(db: &Client<Session>, text: &str) -> Response {
    db.request(&Statement::new(text.to_owned())).await.unwrap()
}
