//! Statements of public test suites.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use cqlstack_tests::oracle::{Oracle, Question};

use crate::Outcome;
use crate::compare::{agree, ours};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
const DIFFERENCES: &str = "differences.jsonl";
/// Of a thousand texts, so many have to be understood alike.
const LEAST_AGREEMENT: usize = 995;

/// The collected statements, without doubles.
pub(crate) fn collected() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut files: Vec<_> =
        fs::read_dir(CORPUS)?.map(|entry| entry.map(|it| it.path())).collect::<Result<_, _>>()?;
    files.retain(|path| {
        path.extension().is_some_and(|it| it == "jsonl") && !path.ends_with(DIFFERENCES)
    });
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        texts.append(&mut read(&file)?);
    }
    texts.sort();
    texts.dedup();
    Ok(texts)
}

fn read(file: &Path) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    if file.extension().is_none_or(|it| it != "jsonl") {
        return Ok(text.lines().map(str::to_owned).collect());
    }
    let lines = text.lines().map(serde_json::from_str::<String>);
    Ok(lines.collect::<Result<_, _>>().map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Text and why both differ on it.
fn explained() -> Result<HashMap<String, String>, Box<dyn std::error::Error>> {
    let text = fs::read_to_string(Path::new(CORPUS).join(DIFFERENCES))?;
    let lines = text.lines().map(serde_json::from_str::<(String, String)>);
    Ok(lines.collect::<Result<_, _>>()?)
}

pub(crate) async fn corpus(oracle: &mut Oracle, files: &[PathBuf]) -> Outcome {
    let mut texts = if files.is_empty() { collected()? } else { Vec::new() };
    for file in files {
        texts.append(&mut read(file)?);
    }
    let explained = explained()?;
    let answers = oracle.ask(Question::Parse, &texts).await?;
    let (mut read, mut accepted, mut differing, mut refused, mut unexplained) = (0, 0, 0, 0, 0);
    for (text, theirs) in texts.iter().zip(&answers) {
        let Some(ours) = ours(text) else { continue };
        read += 1;
        accepted += usize::from(theirs.starts_with("ok "));
        if agree(&ours, theirs) {
            continue;
        }
        differing += 1;
        refused += usize::from(theirs.starts_with("ok ") && ours.starts_with("no "));
        let reason = explained.get(text).map_or("not explained", String::as_str);
        unexplained += usize::from(!explained.contains_key(text));
        println!("{text:?}\n  ours:      {ours}\n  Cassandra: {theirs}\n  {reason}");
    }
    println!(
        "{read} statements, {accepted} of them accepted by Cassandra; {differing} understood otherwise, \
         {refused} refused that Cassandra accepts, {unexplained} differences not explained"
    );
    let agreeing = read - differing;
    Ok(refused == 0 && unexplained == 0 && agreeing * 1000 >= read * LEAST_AGREEMENT)
}
