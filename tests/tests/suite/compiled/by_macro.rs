use renamed::cql;

macro_rules! select {
    ($text:expr) => {
        cql!($text)
    };
}

fn main() {
    println!("{:?}", select!("SELECT phone FROM app.users WHERE id = ?"));
}
