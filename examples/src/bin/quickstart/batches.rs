//! Batches, for what they are good for.

use cqlstack_core::{
    Batch, BatchFault, Client, CqlService, Error, ErrorKind, StaticStatement, cql, query,
};
use cqlstack_examples::Failure;

use crate::users::{INSERT, User};

static SET_NAME: &StaticStatement =
    cql!("UPDATE quickstart.users SET name = ? WHERE id = ?", name = "set_name");

static SET_EMAIL: &StaticStatement =
    cql!("UPDATE quickstart.users SET email = ? WHERE id = ?", name = "set_email");

static INSERT_BY_EMAIL: &StaticStatement = cql!(
    "INSERT INTO quickstart.users_by_email (email, id) VALUES (?, ?)",
    name = "insert_user_by_email"
);

static DELETE: &StaticStatement =
    cql!("DELETE FROM quickstart.users WHERE id = ?", name = "delete_user");

static DELETE_BY_EMAIL: &StaticStatement =
    cql!("DELETE FROM quickstart.users_by_email WHERE email = ?", name = "delete_user_by_email");

/// Registers a user in two tables, renames it, makes a mistake, and removes the user.
pub(crate) async fn register_and_rename(db: &Client<impl CqlService>) -> Result<(), Failure> {
    let registered = User::number(-1);
    register(db, &registered).await?;
    let by_email = query!(
        r#"SELECT id AS "id!" FROM quickstart.users_by_email WHERE email = ?"#, registered.email;
        name = "user_by_email"
    );
    let id = by_email.fetch_scalar(db).await?;
    println!("registered user {id} in two tables, by a LOGGED batch: both or none");

    let renamed = User { name: "Ada".to_owned(), email: "ada@example.org".to_owned(), id };
    rename(db, &renamed).await?;
    if User::find(db, id).await? != renamed {
        return Err(format!("user {id} was not renamed").into());
    }
    println!("renamed it, by an UNLOGGED batch of its one partition: seen at once");

    // To save two round trips, one might think.
    let several = Batch::same_partition()
        .named("rename_two")
        .add(SET_NAME, ("Eve", -1))
        .add(SET_NAME, ("Bob", -2));
    let Err(error) = db.request(several).await else {
        return Err("a batch over several partitions was not refused".into());
    };
    match error.kind() {
        ErrorKind::Batch(BatchFault::SeveralPartitions { .. }) => println!("refused: {error}"),
        _ => return Err(error.into()),
    }
    let both = Batch::logged()
        .named("unregister")
        .add(DELETE, (id,))
        .add(DELETE_BY_EMAIL, (registered.email,));
    db.request(both).await?;
    Ok(())
}

/// Of two tables that belong together, both or none.
async fn register(db: &Client<impl CqlService>, user: &User) -> Result<(), Error> {
    let User { id, name, email } = user;
    let both = Batch::logged()
        .named("register")
        .add(INSERT, (id, name, email))
        .add(INSERT_BY_EMAIL, (email, id));
    db.request(both).await.map(drop)
}

/// Several columns of one row, at once.
async fn rename(db: &Client<impl CqlService>, user: &User) -> Result<(), Error> {
    let profile = Batch::same_partition()
        .named("rename")
        .add(SET_NAME, (&user.name, user.id))
        .add(SET_EMAIL, (&user.email, user.id));
    db.request(profile).await.map(drop)
}
