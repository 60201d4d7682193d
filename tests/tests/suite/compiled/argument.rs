use renamed::{Client, CqlService, Error, cql};

async fn all(db: &Client<impl CqlService>) -> Result<(), Error> {
    db.execute(cql!("SELECT id, name FROM app.users"), ()).await.map(drop)
}

fn main() {
    drop(|db: Client<renamed::Session>| async move { all(&db).await });
}
