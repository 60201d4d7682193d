//! Statements of public test suites.

use std::path::PathBuf;

use cqlstack_syntax::parse;
use cqlstack_tests::corpus;
use cqlstack_tests::oracle::{Oracle, Question};

use crate::Outcome;
use crate::compare::{agree, ours};

/// Of a thousand texts, so many have to be understood alike.
const LEAST_AGREEMENT: usize = 995;

pub(crate) async fn compare(oracle: &mut Oracle, files: &[PathBuf]) -> Outcome {
    let mut texts = if files.is_empty() { corpus::statements()? } else { Vec::new() };
    for file in files {
        texts.append(&mut corpus::read(file)?);
    }
    let explained = corpus::differences()?;
    let answers = oracle.ask(Question::Parse, &texts).await?;
    let (mut read, mut accepted, mut differing, mut refused, mut unexplained) = (0, 0, 0, 0, 0);
    for (text, theirs) in texts.iter().zip(&answers) {
        let ours = ours(text);
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
    let formatted = formatted(oracle, &texts, &answers).await?;
    Ok(formatted && refused == 0 && unexplained == 0 && agreeing * 1000 >= read * LEAST_AGREEMENT)
}

/// Whether what is written of a tree is that tree again, to both parsers.
async fn formatted(oracle: &mut Oracle, texts: &[String], answers: &[String]) -> Outcome {
    let (mut written, mut expected, mut differing) = (Vec::new(), Vec::new(), 0);
    for (text, theirs) in texts.iter().zip(answers) {
        let Ok(statement) = parse(text) else { continue };
        for formatted in [format!("{statement}"), format!("{statement:#}")] {
            if parse(&formatted).as_ref() != Ok(&statement) {
                println!("{text:?}\n  is another tree when it is written: {formatted:?}");
                differing += 1;
            }
            if theirs.starts_with("ok ") {
                written.push(formatted);
                expected.push(theirs);
            }
        }
    }
    let answers = oracle.ask(Question::Parse, &written).await?;
    for ((text, theirs), expected) in written.iter().zip(&answers).zip(expected) {
        if theirs != expected {
            println!("{text:?}\n  is {expected:?} to Cassandra as it was, and written {theirs:?}");
            differing += 1;
        }
    }
    println!("{} texts written, {differing} of them understood otherwise", written.len());
    Ok(differing == 0)
}
