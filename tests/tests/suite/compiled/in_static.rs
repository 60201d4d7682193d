use renamed::{StaticStatement, cql};

static EMAIL: &StaticStatement = cql!("SELECT emial FROM app.users WHERE id = ?");

fn main() {
    println!("{EMAIL:?}");
}
