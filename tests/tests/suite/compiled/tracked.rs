use renamed::cql;

fn main() {
    println!("{:?}", cql!("SELECT name FROM app.users WHERE id = ?"));
    println!("{:?}", cql!("SELECT email FROM app.users WHERE id = ?"));
}
