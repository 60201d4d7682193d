//! A struct whose crate knows `cqlstack-core` by another name, and says so.

#[derive(renamed::SerializeRow, renamed::DeserializeRow)]
#[scylla(crate = renamed::scylla)]
pub struct User {
    pub id: i32,
}

async fn copy(db: &renamed::Client, user: &User) -> Result<User, renamed::Error> {
    db.execute("SELECT id FROM app.users WHERE id = ?", user).await?.row()
}

fn main() {
    let _ = |db: &renamed::Client, user: &User| drop(copy(db, user));
}
