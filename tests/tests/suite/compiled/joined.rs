use renamed::cql;

fn main() {
    let phone = cql!(concat!("SELECT phone FROM app.users ", "WHERE id = ?"));
    println!("{phone:?}");
}
