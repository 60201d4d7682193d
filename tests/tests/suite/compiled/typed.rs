//! What the compiler says of the arguments and the records of `query!`.

use super::*;

/// An error of the compiler's: its line, its column, its text, and what it says beside the place.
struct Told {
    line: u64,
    column: u64,
    message: String,
    label: String,
    rendered: String,
}

impl Scratch {
    /// The errors of one program.
    async fn errors(&self, name: &str) -> Vec<Told> {
        let check = ["check", "--bin", name, "--message-format=json"];
        let output = self.cargo(&check, None).await;
        let lines = String::from_utf8(output.stdout).unwrap();
        let errors = lines.lines().filter_map(|line| {
            let message = &serde_json::from_str::<Value>(line).unwrap()["message"];
            let spans = message["spans"].as_array()?;
            let span = spans.iter().find(|span| span["is_primary"] == true)?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (message["level"] == "error" || message["level"] == "warning").then(|| Told {
                line: span["line_start"].as_u64().unwrap(),
                column: span["column_start"].as_u64().unwrap(),
                message: text(&message["message"]),
                label: text(&span["label"]),
                rendered: text(&message["rendered"]),
            })
        });
        errors.collect()
    }
}

/// Where the argument begins that does not fit: the last one.
fn argument(line: &str) -> u64 {
    let code = line.split(" // ").next().unwrap();
    let start = code.rfind("s = 1_i32").map(|at| at + 4);
    let after_text = || code.rfind("\", ").map(|at| at + 3);
    // A literal may be the argument.
    let after_text = match code.find("0\", ").or_else(|| code.find("?\", ")) {
        Some(at) => Some(at + 4),
        None => after_text(),
    };
    u64::try_from(start.or(after_text).unwrap()).unwrap() + 1
}

#[tokio::test]
async fn a_wrong_type_is_one_error_at_its_argument_that_names_both_types_and_what_fits() {
    let scratch = Scratch::new("cqlstack-scratch-types", "renamed");
    let source = include_str!("wrong_types.rs");
    scratch.write("schema.cql", include_str!("wrong_types.cql"));
    scratch.write("src/bin/wrong_types.rs", source);
    let errors = scratch.errors("wrong_types").await;
    let (mut count, mut wrong) = (0, Vec::new());
    for (line, number) in source.lines().zip(1..) {
        let Some((cql, rust)) =
            line.split_once(" // ").and_then(|(_, told)| told.split_once(" <- "))
        else {
            continue;
        };
        count += 1;
        let told: Vec<_> = errors.iter().filter(|told| told.line == number).collect();
        let [told] = &told[..] else {
            let all: Vec<_> = told.iter().map(|told| &told.message).collect();
            wrong.push(format!("{line}\n    {all:?}"));
            continue;
        };
        let Told { column, message, label, .. } = told;
        let is_told = message.starts_with(&format!("`{rust}` cannot be bound to "))
            && message.ends_with(&format!("`{cql}`"))
            && label.starts_with(&format!("`{cql}` takes "));
        if !is_told || *column != argument(line) {
            wrong.push(format!("{line}\n    column {column}: {message}\n    {label}"));
        }
    }
    println!("{count} wrong types");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(errors.len(), count, "{}", errors.last().unwrap().rendered);
    assert!(count >= 60, "{count}");
}

#[tokio::test]
async fn a_record_a_struct_or_a_type_of_users_that_does_not_fit_is_one_error() {
    let scratch = Scratch::new("cqlstack-scratch-records", "renamed");
    let source = include_str!("wrong_records.rs");
    scratch.write("schema.cql", include_str!("wrong_types.cql"));
    scratch.write("src/bin/wrong_records.rs", source);
    let errors = scratch.errors("wrong_records").await;
    let (mut count, mut wrong) = (0, Vec::new());
    for (line, number) in source.lines().zip(1..) {
        let Some((_, expected)) = line.split_once("; // ") else { continue };
        count += 1;
        let told = errors.iter().filter(|told| told.line == number).map(|told| &*told.message);
        let told: Vec<_> = told.collect();
        if !matches!(told[..], [message] if message.starts_with(expected)) {
            wrong.push(format!("{line}\n    {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: Vec<_> = errors.iter().map(|told| (told.line, &told.message)).collect();
    assert_eq!(errors.len(), count, "{all:#?}");
}

#[tokio::test]
async fn the_generated_code_keeps_to_the_lints_of_a_strict_crate() {
    let scratch = Scratch::new("cqlstack-scratch-lints", "renamed");
    scratch.write("schema.cql", include_str!("wrong_types.cql"));
    scratch.write("src/bin/lints.rs", include_str!("lints.rs"));
    let errors = scratch.errors("lints").await;
    let all: Vec<_> = errors.iter().map(|told| &*told.rendered).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}
