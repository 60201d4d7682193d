use std::fmt::Write;
use std::fs;
use std::path::Path;

use cqlstack_syntax::check::Lint;

use super::*;

/// A folder of a test's own, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let folder = format!("cqlstack-macros-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }

    pub(crate) fn make(&self, path: &str) -> PathBuf {
        let folder = self.0.join(path);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

const SCHEMA: &str = "
    CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
    CREATE KEYSPACE other WITH replication = {'class': 'SimpleStrategy'};
    USE app;
    CREATE TYPE address (street text, zip int);
    CREATE TABLE users (id int PRIMARY KEY, name text, email text, home address, tags list<text>);
    CREATE TABLE events (
        tenant text, day date, at timestamp, kind text, body text, note text STATIC,
        PRIMARY KEY ((tenant, day), at, kind)
    );
    CREATE TABLE hits (page text PRIMARY KEY, views counter);
    CREATE TABLE cased (id int PRIMARY KEY, \"userId\" int, \"Name\" text, name text);
    CREATE MATERIALIZED VIEW by_email AS SELECT id, email FROM users
        WHERE email IS NOT NULL AND id IS NOT NULL PRIMARY KEY (email, id);
";

pub(crate) fn environment(folder: &Folder) -> Environment {
    let folder = folder.path().to_owned();
    Environment { folder, variable: None, requires_schema: false }
}

/// The generated code, or what the compiler says.
fn expanded_in(
    environment: &Environment,
    schemas: &Schemas,
    input: &str,
) -> Result<String, Vec<String>> {
    let tokens = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
    let tokens = expand(tokens, environment, schemas).to_string();
    let errors = errors_in(&tokens);
    if errors.is_empty() { Ok(tokens) } else { Err(errors) }
}

fn expanded(folder: &Folder, input: &str) -> Result<String, Vec<String>> {
    expanded_in(&environment(folder), &Schemas::default(), input)
}

/// The texts of its `compile_error!`s.
pub(crate) fn errors_in(tokens: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let mut tokens: Vec<TokenTree> = tokens.parse::<TokenStream>().unwrap().into_iter().collect();
    while let Some(token) = tokens.pop() {
        let TokenTree::Group(group) = token else { continue };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        let is_error = matches!(&tokens[..], [.., TokenTree::Ident(name), TokenTree::Punct(_)] if *name == "compile_error");
        match (&inner[..], is_error) {
            ([TokenTree::Literal(text)], true) => {
                errors.insert(0, crate::literal::string(text).unwrap());
            }
            _ => tokens.extend(inner),
        }
    }
    errors
}

/// The words of this crate and its parts, which nobody who writes CQL knows.
const INTERNAL: [&str; 8] =
    ["TokenKind", "Span", "Some(", "None", "Keyword", "cqlstack_", "Checker", "unwrap"];

/// Each mistake of `mistakes.txt`, and the whole of what is said of it. `CQLSTACK_WRITE=1` writes the file anew.
#[test]
fn each_mistake_is_told_with_its_line_a_caret_and_what_was_expected() {
    let folder = Folder::new("mistakes");
    folder.write("schema.cql", SCHEMA);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/expand/mistakes.txt");
    let known = fs::read_to_string(&path).unwrap();
    let (mut written, mut count) = (String::new(), 0);
    for mistake in known.split("### ").skip(1) {
        let input = mistake.lines().next().unwrap();
        let errors = expanded(&folder, input).expect_err(input);
        let shown = errors.join("\n---\n").replace(&folder.path().display().to_string(), "here");
        let is_of_the_text = shown.contains(" | ");
        assert_eq!(is_of_the_text, shown.contains('^'), "{input}\n{shown}");
        assert!(shown.contains("expected ") || !is_of_the_text, "{input}\n{shown}");
        for word in INTERNAL {
            assert!(!shown.contains(word), "{input}: {word}\n{shown}");
        }
        count += usize::from(is_of_the_text);
        writeln!(written, "### {input}\n{shown}\n").unwrap();
    }
    assert!(count >= 60, "{count}");
    if std::env::var_os("CQLSTACK_WRITE").is_some() {
        fs::write(&path, written).unwrap();
    } else {
        assert_eq!(known, written, "CQLSTACK_WRITE=1 writes it anew");
    }
}

#[test]
fn what_is_right_becomes_a_static_with_its_facts() {
    let folder = Folder::new("right");
    folder.write("schema.cql", SCHEMA);
    let all = "@ $crate; \"SELECT name FROM users WHERE id = ?\", name = \"n\", idempotent = false, \
               consistency = One, serial_consistency = Serial, page_size = 1_000, \
               attempt_timeout = \"2s\", allow(scan, filtering,),";
    let code = expanded(&folder, &all.replace("$crate", "here")).unwrap();
    for part in [
        "static S : here :: StaticStatement = s (\"SELECT name FROM users WHERE id = ?\"",
        "named (\"n\") . idempotent (false) . with_consistency (here :: Consistency :: One)",
        "with_serial_consistency (here :: SerialConsistency :: Serial) . with_page_size (1000u32)",
        "from_millis (2000u64)",
        "& S",
    ] {
        assert!(code.contains(part), "{part}: {code}");
    }
    let plain = expanded(&folder, "\"SELECT name FROM users WHERE id = ?\"").unwrap();
    assert!(plain.contains("static S : :: cqlstack_core :: StaticStatement"), "{plain}");
}

#[test]
fn what_is_allowed_is_no_error_and_what_the_server_refuses_cannot_be_allowed() {
    let folder = Folder::new("allowed");
    folder.write("schema.cql", SCHEMA);
    for input in [
        "\"SELECT name FROM users\", allow(scan)",
        "\"SELECT name FROM users WHERE name = ? ALLOW FILTERING\", allow(filtering)",
        "\"SELECT name FROM users WHERE id IN ?\", allow(partition_in)",
        "\"UPDATE users SET name = ? WHERE id IN ? IF EXISTS\", allow(refused_when_executed)",
        "\"DELETE body FROM events WHERE tenant = ? AND day = ?\", allow(refused_when_executed)",
        "\"TRUNCATE by_email\", allow(refused_when_executed)",
        "\"USE nowhere\", allow(refused_when_executed)",
        "\"UPDATE users SET name = ? WHERE id IN (5) IF EXISTS\"",
        "\"ALTER TABLE users DROP phone\", allow(schema_change)",
        "\"ALTER TABLE users ADD name text\"",
        "\"ALTER TYPE address ADD zip int\"",
        "\"ALTER KEYSPACE system_auth WITH replication = {'class': 'SimpleStrategy'}\"",
        "\"USE system\"",
        "\"INSERT INTO users (id, tags) VALUES (?, [?])\", allow(marker_in_literal)",
        "\"SELECT name FROM users WHERE id = ? LIMIT :l\", allow(mixed_markers)",
        "\"SELECT Name FROM cased WHERE id = ?\", allow(case)",
        "\"SELECT name FROM users WHERE id = ?\", keyspace = \"gone\", allow(no_keyspace)",
        "\"SELECT later(name) FROM users WHERE id = ?\", allow(unknown_function)",
        "\"ALTER TABLE users WITH later = 1\", allow(unknown_option)",
        "\"SELECT name FROM users WHERE id = ? BYPASS CACHE\", dialect = ScyllaDb",
        "\"SELECT name FROM users WHERE id = ? BYPASS CACHE\", dialect = Any",
        "\"SELECT key FROM system.local\"",
        "\"SELECT id FROM by_email WHERE email = ?\"",
        "\"CREATE TABLE users (id int PRIMARY KEY)\"",
        "\"CREATE TABLE IF NOT EXISTS later (id int PRIMARY KEY)\"",
        "\"DROP TABLE IF EXISTS later\"",
        "concat!(\"SELECT name FROM users \", \"WHERE id = ?\")",
    ] {
        if let Err(errors) = expanded(&folder, input) {
            panic!("{input}: {}", errors.join("\n"));
        }
    }
    let all: Vec<&str> = Lint::ALL.iter().map(|lint| lint.name()).collect();
    let all = all.join(",");
    for text in ["SELECT nmae FROM users WHERE id = ?", "INSERT INTO users (name) VALUES (?)"] {
        assert!(expanded(&folder, &format!("\"{text}\", allow({all})")).is_err(), "{text}");
    }
}

#[test]
fn the_lines_that_make_the_compiler_look_again_come_once() {
    let folder = Folder::new("tracked");
    let file = folder.write("schema.cql", SCHEMA);
    let (environment, schemas) = (environment(&folder), Schemas::default());
    let input = "\"SELECT name FROM users WHERE id = ?\"";
    let first = expanded_in(&environment, &schemas, input).unwrap();
    let line = format!("include_bytes ! ({:?})", file.to_str().unwrap());
    assert!(first.contains(&line) && first.contains("option_env ! (\"CQLSTACK_SCHEMA\")"));
    let second = expanded_in(&environment, &schemas, input).unwrap();
    assert!(!second.contains("include_bytes") && !second.contains("option_env"));
    folder.write("other.cql", SCHEMA);
    let other = expanded_in(&environment, &schemas, &format!("{input}, schema = \"other.cql\""));
    assert!(other.unwrap().contains("other.cql"));
}

#[test]
fn a_broken_schema_is_told_once_with_its_file_line_and_column() {
    let folder = Folder::new("broken");
    let file = folder.path().join("schema.cql").display().to_string();
    let keyspace = "CREATE KEYSPACE app WITH a = 1;\n";
    for (schema, expected) in [
        (&b"CREATE KEYSPACE app WITH a = 1;\nCREATE TABLE app.t (k"[..], ":2:22: found the end of"),
        (b"CREATE TABLE app.t (k int PRIMARY KEY)", ":1:14: there is no keyspace app"),
        (b"USE app;\n  \xff", ":2:3: found a byte that is not UTF-8"),
        (b"SELECT 'abc", ":1:8: found a string that is not closed"),
    ] {
        folder.write("schema.cql", schema);
        let (environment, schemas) = (environment(&folder), Schemas::default());
        let input = "\"SELECT v FROM app.t WHERE k = ?\"";
        let errors = expanded_in(&environment, &schemas, input).unwrap_err();
        let expected = format!("the schema is broken: {file}{expected}");
        assert!(errors.len() == 1 && errors[0].starts_with(&expected), "{expected}: {errors:?}");
        let other = "\"SELECT w FROM app.t WHERE k = ?\"";
        assert!(expanded_in(&environment, &schemas, other).is_ok(), "it was told before");
        assert_eq!(expanded_in(&environment, &schemas, input).unwrap_err(), errors, "by this one");
        let syntax = expanded_in(&environment, &schemas, "\"SELEKT\"").unwrap_err();
        assert!(syntax[0].starts_with("this is no CQL"), "{syntax:?}");
    }
    fs::remove_file(folder.path().join("schema.cql")).unwrap();
    let table = "CREATE TABLE app.t (k int PRIMARY KEY);";
    folder.write("schema/1.cql", format!("{keyspace}{table}"));
    folder.write("schema/2.cql", format!("\n{table}"));
    let errors = expanded(&folder, "\"SELECT k FROM app.t WHERE k = ?\"").unwrap_err();
    let expected = "schema/2.cql:2:14: table app.t is there already\n\
                    help: files are read as one script, in this order: 1.cql, 2.cql";
    assert!(errors[0].ends_with(expected), "{errors:?}");
}

#[test]
fn without_a_schema_the_syntax_is_checked_unless_one_is_required() {
    let folder = Folder::new("none");
    let mut environment = environment(&folder);
    let schemas = Schemas::default();
    assert!(expanded_in(&environment, &schemas, "\"SELECT a FROM t\"").is_ok());
    assert!(expanded_in(&environment, &schemas, "\"SELEKT a FROM t\"").is_err());
    environment.requires_schema = true;
    let errors = expanded_in(&environment, &schemas, "\"SELECT a FROM t\"").unwrap_err();
    assert!(errors[0].contains("`schema.cql`") && errors[0].contains("CQLSTACK_SCHEMA"));
}

/// As of tenants, which have a keyspace each.
#[test]
fn a_schema_without_a_keyspace_is_of_the_option_s() {
    let folder = Folder::new("tenants");
    folder.write("schema.cql", "CREATE TABLE t (k int PRIMARY KEY, v int);");
    folder.write(
        "other.cql",
        "CREATE KEYSPACE app WITH a = 1; CREATE TABLE app.t (k int PRIMARY KEY)",
    );
    let input = |text: &str, rest: &str| format!("\"{text}\", {rest}");
    let select = "SELECT v FROM t WHERE k = ?";
    assert!(expanded(&folder, &input(select, "keyspace = \"app\"")).is_ok());
    let errors = expanded(&folder, &input(select, "")).unwrap_err();
    assert!(errors[0].contains("schema.cql:1:14: "), "{errors:?}");
    let errors =
        expanded(&folder, &input("SELECT w FROM t WHERE k = ?", "keyspace = \"app\"")).unwrap_err();
    assert!(errors[0].starts_with("app.t has no column `w`"), "{errors:?}");
    let own = "keyspace = \"app\", schema = \"other.cql\"";
    assert!(expanded(&folder, &input("SELECT k FROM t WHERE k = ?", own)).is_ok());
}

/// What cargo has fetched is compiled in the same environment, and has no schema of this workspace.
#[test]
fn a_dependency_is_not_asked_for_the_workspace_s_schema() {
    let folder = Folder::new("fetched");
    for path in ["registry/src/index/their-1.0.0", "git/checkouts/their-1/0123"] {
        let own = folder.make(path);
        let environment = Environment {
            folder: own,
            variable: Some("db/schema.cql".to_owned()),
            requires_schema: true,
        };
        let input = "\"SELECT a FROM t\"";
        assert!(expanded_in(&environment, &Schemas::default(), input).is_ok(), "{path}");
    }
}

#[test]
fn the_environment_goes_before_what_is_found_and_an_option_before_both() {
    let folder = Folder::new("order");
    folder.write("Cargo.lock", "");
    let schema = |table: &str| {
        format!("CREATE KEYSPACE app WITH a = 1; CREATE TABLE app.{table} (k int PRIMARY KEY)")
    };
    folder.write("schema.cql", schema("found"));
    folder.write("db/named.cql", schema("named"));
    folder.write("option.cql", schema("said"));
    let mut environment = environment(&folder);
    let schemas = Schemas::default();
    let mut knows = |table: &str, variable: Option<&str>, option: &str| {
        environment.variable = variable.map(str::to_owned);
        let input = format!("\"SELECT k FROM app.{table} WHERE k = ?\"{option}");
        expanded_in(&environment, &schemas, &input).is_ok()
    };
    let option = ", schema = \"option.cql\"";
    assert!(knows("found", None, "") && knows("found", Some(""), ""));
    assert!(knows("named", Some("db/named.cql"), "") && knows("named", Some("db"), ""));
    assert!(knows("said", Some("db/named.cql"), option) && knows("said", None, option));
    assert!(!knows("found", Some("db"), "") && !knows("named", None, ""));
    assert!(!knows("found", Some("nowhere.cql"), ""));
}

#[test]
fn a_megabyte_of_text_and_two_thousand_tables_are_no_more_than_work() {
    let folder = Folder::new("large");
    let mut schema = "CREATE KEYSPACE app WITH a = 1; USE app;".to_owned();
    for table in 0..2_000 {
        write!(schema, "CREATE TABLE t{table} (k int PRIMARY KEY, a int, b int);").unwrap();
    }
    folder.write("schema.cql", schema);
    assert!(expanded(&folder, "\"SELECT a FROM t1999 WHERE k = ?\"").is_ok());
    let errors = expanded(&folder, "\"SELECT a FROM t2000 WHERE k = ?\"").unwrap_err();
    assert!(errors[0].contains("and 1988 more") && errors[0].len() < 1_000, "{errors:?}");
    let values = "1, ".repeat(330_000);
    let large = format!("\"INSERT INTO t0 (k, a) VALUES (?, [{values} 1])\"");
    assert!(large.len() > 900_000 && expanded(&folder, &large).is_ok());
    let clipped = format!("\"SELECT nothing FROM t0 WHERE k IN ({values} 1)\"");
    let errors = expanded(&folder, &clipped).unwrap_err();
    assert!(errors.iter().all(|error| error.len() < 1_000), "{}", errors[0].len());
}

/// Whatever stands in the macro's parentheses.
#[test]
fn no_input_makes_it_panic() {
    let folder = Folder::new("wild");
    folder.write("schema.cql", SCHEMA);
    let pieces = [
        "\"SELECT name FROM users WHERE id = ?\"",
        "\"\\u{e9}\\0\"",
        "@",
        ";",
        ",",
        ",,",
        "=",
        "name",
        "allow",
        "(scan)",
        "()",
        "[x]",
        "concat!",
        "concat!(,)",
        "concat!(\"a\", -)",
        "-1",
        "5",
        "1.5e3",
        "'c'",
        "b\"x\"",
        "r#\"y\"#",
        "schema",
        "keyspace",
        "page_size",
        "99999999999999999999",
        "attempt_timeout",
        "\"5ms\"",
        "\"\"",
        "true",
        "dialect",
        "Any",
    ];
    let mut random = fastrand::Rng::with_seed(37);
    for _ in 0..20_000 {
        let count = random.usize(..9);
        let input: Vec<&str> = (0..count).filter_map(|_| random.choice(pieces)).collect();
        drop(expanded(&folder, &input.join(" ")));
    }
}
