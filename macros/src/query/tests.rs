use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::*;
use crate::expand::tests::{Folder, environment, errors_in};

const SCHEMA: &str = "
    CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
    USE app;
    CREATE TYPE address (street text, zip int);
    CREATE TABLE users (
        id int PRIMARY KEY, name text, age int, born date, tags set<text>, weights set<double>, home frozen<address>,
        pair frozen<tuple<int, text>>, place vector<float, 3>, scores map<text, frozen<list<int>>>, \"userId\" int,
        \"two words\" int, \"self\" int, \"type\" int
    );
    CREATE TABLE orders (customer int, number int, title text STATIC, item text, PRIMARY KEY (customer, number));
    CREATE TABLE hits (page text PRIMARY KEY, views counter);
    CREATE TABLE odd (id int PRIMARY KEY, \"a{b}\" list<int>);
";

/// `query!("…", argument; options)` as the macro of core gives it: the text, the arguments, the options.
fn expanded(folder: &Folder, input: &str) -> Result<String, Vec<String>> {
    let tokens = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
    let tokens = expand(tokens, &environment(folder), &Schemas::default()).to_string();
    let errors = errors_in(&tokens);
    if errors.is_empty() { Ok(tokens) } else { Err(errors) }
}

/// Each mistake of `mistakes.txt`, and the whole of what is said of it. `CQLSTACK_WRITE=1` writes the file anew.
#[test]
fn each_mistake_says_what_to_do() {
    let folder = Folder::new("query-mistakes");
    folder.write("schema.cql", SCHEMA);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/query/mistakes.txt");
    let known = fs::read_to_string(&path).unwrap();
    let (mut written, mut count) = (String::new(), 0);
    for mistake in known.split("### ").skip(1) {
        let input = mistake.lines().next().unwrap();
        let errors = expanded(&folder, input).expect_err(input);
        writeln!(written, "### {input}\n{}\n", errors.join("\n---\n")).unwrap();
        count += 1;
    }
    assert!(count >= 25, "{count}");
    if std::env::var_os("CQLSTACK_WRITE").is_some() {
        fs::write(&path, written).unwrap();
    } else {
        assert_eq!(known, written, "CQLSTACK_WRITE=1 writes it anew");
    }
}

/// The fields of the record, without the paths of their types.
fn record(folder: &Folder, text: &str) -> String {
    let code = expanded(folder, &format!("[{text:?}] [] [allow(scan)]"))
        .unwrap_or_else(|errors| panic!("{text}: {}", errors.join("\n")));
    let fields = code.split_once("struct Record {").unwrap().1.split_once('}').unwrap().0;
    let fields = fields.replace("__cqlstack ::", "").replace(":: core :: primitive ::", "");
    fields.replace("pub ", "").replace(' ', "").replace(',', ", ").replace(':', ": ")
}

#[test]
fn a_record_has_a_field_for_each_column() {
    let folder = Folder::new("query-records");
    folder.write("schema.cql", SCHEMA);
    for (text, fields) in [
        (
            "SELECT id, name, born FROM users",
            "id: i32, name: Option<String>, born: Option<CqlDate>",
        ),
        ("SELECT tags, weights FROM users", "tags: HashSet<String>, weights: Vec<f64>"),
        (
            "SELECT home, pair FROM users",
            "home: Option<CqlValue>, pair: Option<(Option<i32>, Option<String>, )>",
        ),
        (
            "SELECT place, scores FROM users",
            "place: Option<Vec<f32>>, scores: HashMap<String, Vec<i32>>",
        ),
        ("SELECT \"type\", \"userId\" FROM users", "r#type: Option<i32>, userId: Option<i32>"),
        (
            "SELECT \"two words\" AS words, \"self\" AS own FROM users",
            "words: Option<i32>, own: Option<i32>",
        ),
        (
            "SELECT * FROM orders",
            "customer: i32, number: Option<i32>, title: Option<String>, item: Option<String>",
        ),
        ("SELECT number FROM orders WHERE customer = 1 AND number = 2", "number: i32"),
        ("SELECT views FROM hits", "views: Counter"),
        (
            "SELECT id, count(*) AS n, max(age) AS age FROM users",
            "id: Option<i32>, n: i64, age: Option<i32>",
        ),
        ("SELECT id, max(age) AS age FROM users GROUP BY id", "id: i32, age: Option<i32>"),
        ("SELECT ttl(tags) AS ttls FROM users", "ttls: Option<Vec<Option<i32>>>"),
        (
            "SELECT CAST(id AS text) AS text, age + 1 AS older FROM users",
            "text: String, older: Option<i32>",
        ),
        ("SELECT JSON id FROM users", "json: String"),
        ("SELECT id AS \"id?\", name AS \"name!\" FROM users", "id: Option<i32>, name: String"),
        ("SELECT born AS \"born: a::Date\" FROM users", "born: __CqlstackColumn0"),
        (
            "INSERT INTO orders (customer, number) VALUES (1, 2) IF NOT EXISTS",
            "customer: Option<i32>, number: Option<i32>, title: Option<String>, item: Option<String>",
        ),
        (
            "UPDATE users SET age = 1 WHERE id = 1 IF name = 'a' AND tags CONTAINS 'b'",
            "name: Option<String>, tags: Option<HashSet<String>>",
        ),
        ("DELETE FROM users WHERE id = 1 IF EXISTS", ""),
    ] {
        assert_eq!(record(&folder, text), fields, "{text}");
    }
}

#[test]
fn a_star_is_sent_as_the_columns_of_the_schema_file() {
    let folder = Folder::new("query-star");
    folder.write("schema.cql", SCHEMA);
    for (text, sent) in [
        ("SELECT * FROM hits", "SELECT page, views FROM hits"),
        ("SELECT/* * */ * FROM hits -- *\n", "SELECT/* * */ page, views FROM hits -- *\n"),
        ("SELECT JSON * FROM hits", "SELECT JSON * FROM hits"),
        ("SELECT count(*) AS n FROM hits", "SELECT count(*) AS n FROM hits"),
        ("SELECT page FROM hits WHERE page = '*'", "SELECT page FROM hits WHERE page = '*'"),
    ] {
        let code = expanded(&folder, &format!("[{text:?}] [] [allow(scan)]")).unwrap();
        assert!(code.contains(&format!("s ({sent:?}")), "{text}: {code}");
    }
}

#[test]
fn an_argument_goes_to_its_marker() {
    let folder = Folder::new("query-arguments");
    folder.write("schema.cql", SCHEMA);
    let insert = "INSERT INTO users (id, name) VALUES (?, ?)";
    let named = "INSERT INTO users (id, name) VALUES (:id, :name)";
    for (text, arguments, bound) in [
        (insert, "[a] [b]", ["int (& a , & mut row)", "text (& b , & mut row)"]),
        (insert, "[b as c] [&x.y]", ["int (& (b as c)", "text (& (& x . y)"]),
        (insert, "[name = n] [i]", ["int (& i ,", "text (& n ,"]),
        (named, "", ["int (& id ,", "text (& name ,"]),
        (named, "[id = 7]", ["int (& 7 ,", "text (& name ,"]),
        (named, "[r#name = a == b]", ["int (& id ,", "text (& (a == b) ,"]),
        (named, "[r#name = x] [id = y]", ["int (& y ,", "text (& x ,"]),
    ] {
        let code = expanded(&folder, &format!("[{text:?}] [{arguments}] []")).unwrap();
        assert!(bound.iter().all(|bound| code.contains(bound)), "{text}, {arguments}: {code}");
    }
    let twice = "[\"UPDATE users SET age = :n WHERE id = :n\"] [[n = f()]] []";
    let code = expanded(&folder, twice).unwrap();
    assert!(
        code.contains("let value0 = & (f ()) ;") && code.matches("f ()").count() == 1,
        "{code}"
    );
}

/// In a message of the compiler's, braces stand around a parameter.
#[test]
fn braces_in_a_name_are_braces_in_its_message() {
    let folder = Folder::new("query-braces");
    folder.write("schema.cql", SCHEMA);
    let update = r#"UPDATE odd SET "a{b}" = ? WHERE id = 1"#;
    let code = expanded(&folder, &format!("[{update:?}] [[a]] []")).unwrap();
    assert!(code.contains("`{Self}` cannot be bound to `a{{b}}`, which is `list<int>`"), "{code}");
}

/// Whatever stands in the macro's parentheses.
#[test]
fn no_input_makes_it_panic() {
    let folder = Folder::new("query-wild");
    folder.write("schema.cql", SCHEMA);
    let parts = [
        "",
        "\"SELECT id FROM users\"",
        "\"SELECT * FROM users WHERE id = ?\"",
        "a",
        "= = 1",
        "id =",
        "[a]",
        "(;)",
        "r#self",
        "_",
        "'a'",
        "\"SELECT id AS \\\"x:\\\" FROM users\"",
        "\"SELECT id AS \\\":\\\" FROM users\"",
        "\"SELECT id AS \\\"a: (\\\" FROM users\"",
        "\"SELECT id AS \\\"!\\\" FROM users\"",
        "allow(scan)",
        ",,",
        "@",
    ];
    let mut random = fastrand::Rng::with_seed(40);
    for _ in 0..2_000 {
        let mut part = || parts[random.usize(..parts.len())];
        let input = match part().len() % 4 {
            0 => format!("[{}] [[{}] {}] [{}]", part(), part(), part(), part()),
            1 => format!("[{}] [[{}] [{}]] [{}] [{}]", part(), part(), part(), part(), part()),
            2 => format!("@ x; [{}] {} {}", part(), part(), part()),
            _ => format!("{} {} {}", part(), part(), part()),
        };
        if input.parse::<TokenStream>().is_ok() {
            drop(expanded(&folder, &input));
        }
    }
}
