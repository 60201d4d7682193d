use renamed::cql;

const TEXT: &str = "SELECT name FROM app.users WHERE id = ?";

fn main() {
    println!("{:?}", cql!(TEXT));
}
