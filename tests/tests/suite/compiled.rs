//! `cql!` and the derives as the compiler sees them, in crates of their own, which depend on `cqlstack-core` alone, also by
//! another name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{env, fs};

use serde_json::Value;
use tokio::process;
use tokio::time::timeout;

#[cfg(feature = "heavy")]
mod costs;
mod typed;

/// A first one compiles the driver; others in the same target folder may be waited for.
const LONGEST: Duration = Duration::from_secs(480);

const SCHEMA: &str = "
CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
CREATE TABLE app.users (id int PRIMARY KEY, name text, email text);
";

/// A crate in the target folder, which goes when it is dropped.
struct Scratch {
    folder: PathBuf,
}

/// What the compiler said of one target: the message, and the line on which it is.
type Said = (String, u64);

impl Scratch {
    /// It knows `cqlstack-core` by this name.
    fn new(name: &str, dependency: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&folder));
        let scratch = Self { folder };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let core = workspace.join("core").canonicalize().unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\
             [dependencies]\n{dependency} = {{ package = \"cqlstack-core\", path = {core:?}, features = \
             [\"bigdecimal-04\", \"chrono-04\", \"macros\", \"num-bigint-04\", \"secrecy-10\", \"time-03\"] }}\n[workspace]\n"
        );
        scratch.write("Cargo.toml", &manifest);
        // The versions that the workspace has.
        fs::copy(workspace.join("Cargo.lock"), scratch.folder.join("Cargo.lock")).unwrap();
        scratch.write("schema.cql", SCHEMA);
        scratch
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    async fn cargo(&self, arguments: &[&str], variable: Option<&str>) -> Output {
        // The tests beside it measure times.
        let mut cargo = Command::new("nice");
        cargo
            .args(["-n", "19"])
            .arg(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .arg("--offline")
            .env_remove("CQLSTACK_SCHEMA")
            .envs(variable.map(|variable| ("CQLSTACK_SCHEMA", variable)));
        self.run(cargo).await
    }

    /// In its folder, with the target folder of the workspace.
    async fn run(&self, mut command: Command) -> Output {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
        let output = process::Command::from(command).kill_on_drop(true).output();
        timeout(LONGEST, output).await.expect("cargo ends in time").unwrap()
    }

    /// What the compiler says of each target that has errors.
    async fn check(&self, variable: Option<&str>) -> BTreeMap<String, Vec<Said>> {
        let check = ["check", "--bins", "--keep-going", "--message-format=json"];
        let output = self.cargo(&check, variable).await;
        let mut said: BTreeMap<String, Vec<Said>> = BTreeMap::new();
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let message = &line["message"];
            let span = &message["spans"][0];
            if message["level"] == "error" && !span.is_null() {
                let target = line["target"]["name"].as_str().unwrap().to_owned();
                let text = message["message"].as_str().unwrap().to_owned();
                let line = span["line_start"].as_u64().unwrap();
                said.entry(target).or_default().push((text, line));
            }
        }
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), said.is_empty(), "{log}");
        said
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[tokio::test]
async fn what_is_right_compiles_wherever_it_stands_and_a_mistake_is_told_at_its_literal() {
    let scratch = Scratch::new("cqlstack-scratch-places", "renamed");
    for (name, source) in [
        ("right", include_str!("compiled/right.rs")),
        ("in_static", include_str!("compiled/in_static.rs")),
        ("argument", include_str!("compiled/argument.rs")),
        ("lines", include_str!("compiled/lines.rs")),
        ("joined", include_str!("compiled/joined.rs")),
        ("by_macro", include_str!("compiled/by_macro.rs")),
        ("constant", include_str!("compiled/constant.rs")),
        ("option", include_str!("compiled/option.rs")),
        ("renamed", include_str!("compiled/renamed.rs")),
    ] {
        scratch.write(&format!("src/bin/{name}.rs"), source);
    }
    let said = scratch.check(None).await;
    let expected = [
        ("argument", "this reads all of app.users, from all nodes", 4),
        ("by_macro", "app.users has no column `phone`", 10),
        ("constant", "expected the text of a statement as a string literal; the macro sees", 6),
        ("in_static", "app.users has no column `emial`", 3),
        ("joined", "app.users has no column `phone`", 4),
        ("lines", "app.users has no column `nmae`", 4),
        ("option", "there is no option `nam`, did you mean `name`?", 3),
    ];
    let names: Vec<&str> = said.keys().map(String::as_str).collect();
    assert_eq!(names, expected.map(|(name, ..)| name), "{said:?}");
    for ((name, text, line), said) in expected.into_iter().zip(said.values()) {
        let [(message, at)] = &said[..] else { panic!("{name}: {said:?}") };
        assert!(message.starts_with(text), "{name}: {message}");
        assert_eq!(*at, line, "{name}: {message}");
    }
    let shown = "2 |     SELECT nmae\n  |            ^^^^ expected one of: id, name, email\nhelp: did you mean `name`?";
    assert!(said["lines"][0].0.contains(shown), "{}", said["lines"][0].0);
}

/// No source is touched meanwhile, but at the end.
#[tokio::test]
async fn a_changed_schema_and_a_changed_variable_make_the_compiler_look_again() {
    let scratch = Scratch::new("cqlstack-scratch-tracked", "renamed");
    scratch.write("src/main.rs", include_str!("compiled/tracked.rs"));
    let without_email = SCHEMA.replace(", email text", "");
    scratch.write("db/without.cql", &without_email);
    scratch.write("db/with.cql", SCHEMA);
    let outcome = async |variable| scratch.check(variable).await.is_empty();
    assert!(outcome(None).await);
    scratch.write("schema.cql", &without_email);
    assert!(!outcome(None).await, "the column is gone");
    scratch.write("schema.cql", SCHEMA);
    assert!(outcome(None).await, "it is back");
    assert!(!outcome(Some("db/without.cql")).await, "the variable names another schema");
    assert!(outcome(Some("db/with.cql")).await, "and another");
    scratch.write("schema.cql", &without_email);
    assert!(!outcome(None).await, "the variable is unset");
    assert!(outcome(Some("db/with.cql")).await, "and set again");
    fs::remove_file(scratch.folder.join("schema.cql")).unwrap();
    assert!(outcome(None).await, "without a schema the syntax is right");
    scratch.write("schema.cql", &without_email);
    assert!(outcome(None).await, "a new file is not noticed");
    scratch.write("src/main.rs", include_str!("compiled/tracked.rs"));
    assert!(!outcome(None).await, "until a source is");
}

/// What the macro writes is what is read of the same text at run time, for all statements that others have written.
#[cfg(feature = "heavy")]
#[tokio::test]
async fn the_macro_reads_the_corpus_as_the_parser_does() {
    use std::fmt::Write;

    let scratch = Scratch::new("cqlstack-scratch-corpus", "renamed");
    fs::remove_file(scratch.folder.join("schema.cql")).unwrap();
    let mut source = "use renamed::__macros::{Dialect, Facts, facts};\nuse renamed::cql;\n\n\
                      fn agrees(text: &str, checked: &'static renamed::StaticStatement) -> usize {\n    \
                      assert_eq!(*facts(checked), Facts::of(&Dialect::Any.parse(text).unwrap()), \
                      \"{text}\");\n    1\n}\n"
        .to_owned();
    let texts = cqlstack_tests::corpus::statements().unwrap();
    let parses = |text: &&String| cqlstack_syntax::Dialect::Any.parse(text).is_ok();
    let texts: Vec<&String> = texts.iter().filter(parses).collect();
    for (number, some) in texts.chunks(500).enumerate() {
        writeln!(source, "\nfn part{number}() -> usize {{\n    let mut count = 0;").unwrap();
        for text in some {
            let checked = format!("cql!({text:?}, dialect = Any, allow(mixed_markers))");
            writeln!(source, "    count += agrees({text:?}, {checked});").unwrap();
        }
        writeln!(source, "    count\n}}").unwrap();
    }
    let parts = (0..texts.len().div_ceil(500)).map(|number| format!("part{number}()"));
    let parts = parts.collect::<Vec<_>>().join(" + ");
    write!(source, "\nfn main() {{\n    println!(\"{{}}\", {parts});\n}}\n").unwrap();
    scratch.write("src/main.rs", &source);
    let output = scratch.cargo(&["run", "--quiet"], None).await;
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    let count: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    println!("{count} statements");
    assert!(count == texts.len() && count > 7_000, "{count}");
}

/// With no other dependency, so that no derive finds the driver elsewhere.
#[tokio::test]
async fn derives_and_values_of_each_type_need_no_other_crate() {
    let scratch = Scratch::new("cqlstack-scratch-alone", "cqlstack-core");
    for (name, source) in [
        ("derives", include_str!("compiled/derives.rs")),
        ("alone/main", include_str!("compiled/alone.rs")),
        ("alone/pairs", include_str!("values/pairs.rs")),
    ] {
        scratch.write(&format!("src/bin/{name}.rs"), source);
    }
    assert_eq!(scratch.check(None).await, BTreeMap::new());
}
