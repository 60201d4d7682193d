use renamed::{Client, CqlService, Error, Request, Statement, StaticStatement, cql};

static RENAME: &StaticStatement =
    cql!("UPDATE app.users SET name = ? WHERE id = ?", name = "rename_user");
const BY_ID: &StaticStatement = cql!(r#"SELECT "name" FROM app.users WHERE id = ?"#);

struct Users;

impl Users {
    const DELETE: &'static StaticStatement = cql!(
        "DELETE FROM app.users WHERE id = ?",
        consistency = LocalQuorum,
        serial_consistency = LocalSerial,
        page_size = 100,
        attempt_timeout = "250ms",
        idempotent = true,
    );
}

macro_rules! select {
    ($what:literal) => {
        cql!(concat!("SELECT ", $what, " FROM app.users WHERE id = ?"))
    };
}

async fn all(db: &Client<impl CqlService>) -> Result<(), Error> {
    db.execute(RENAME, ("Ada", 42)).await?;
    db.execute(&RENAME, ("Ada", 42)).await?;
    db.execute(BY_ID, (42,)).await?;
    db.execute(Users::DELETE, (42,)).await?;
    db.execute(select!("email"), (42,)).await?;
    let all = cql!("SELECT id, name FROM app.users", allow(scan));
    db.request(Request::from(all)).await?;
    db.request(&RENAME).await?;
    db.execute(renamed::cql!("SELECT name FROM app.users WHERE id = ?"), (42,)).await?;
    let named = Statement::from(cql!("SELECT email FROM app.users WHERE id = ?")).named("email");
    db.execute(&named, (42,)).await.map(drop)
}

fn main() {
    drop(|db: Client<renamed::Session>| async move { all(&db).await });
}
