use renamed::{StaticStatement, cql};

static NAME: &StaticStatement = cql!("SELECT name FROM app.users WHERE id = ?", nam = "user_name");

fn main() {
    println!("{NAME:?}");
}
