//! Statements of public test suites.

use std::path::PathBuf;

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
    Ok(refused == 0 && unexplained == 0 && agreeing * 1000 >= read * LEAST_AGREEMENT)
}
