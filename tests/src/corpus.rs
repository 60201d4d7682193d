//! Statements of public test suites, which are in `tests/corpus`.

use std::collections::HashMap;
use std::path::Path;
use std::{fs, io};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
/// Texts on which `cqlstack-syntax` and Cassandra differ, each with the reason.
const DIFFERENCES: &str = "differences.jsonl";

/// All of them, without doubles, in the order of their texts.
///
/// # Errors
///
/// Where a file cannot be read, or has a line that is no JSON string.
pub fn statements() -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(FOLDER)? {
        let path = entry?.path();
        let is_corpus = path.extension().is_some_and(|extension| extension == "jsonl");
        if is_corpus && !path.ends_with(DIFFERENCES) {
            texts.append(&mut read(&path)?);
        }
    }
    texts.sort();
    texts.dedup();
    Ok(texts)
}

/// A file with one statement a line: JSON strings if its name ends in `.jsonl`, else as they are.
///
/// # Errors
///
/// As [`statements`].
pub fn read(file: &Path) -> io::Result<Vec<String>> {
    let of_file =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(of_file)?;
    if file.extension().is_none_or(|extension| extension != "jsonl") {
        return Ok(text.lines().map(str::to_owned).collect());
    }
    let lines = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
    lines.map_err(|error| of_file(error.into()))
}

/// Texts that `cqlstack-syntax` and Cassandra understand otherwise, and why.
///
/// # Errors
///
/// As [`statements`].
pub fn differences() -> io::Result<HashMap<String, String>> {
    let text = fs::read_to_string(Path::new(FOLDER).join(DIFFERENCES))?;
    let lines = text.lines().map(serde_json::from_str::<(String, String)>);
    Ok(lines.collect::<Result<_, _>>()?)
}
