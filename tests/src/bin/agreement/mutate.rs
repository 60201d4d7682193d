//! Collected statements with tokens left out, doubled, swapped and replaced.

use std::time::Instant;

use cqlstack_syntax::tokens;
use cqlstack_tests::corpus;
use cqlstack_tests::oracle::{Oracle, Question};

use crate::compare::{agree, ours, progress};
use crate::{Bounds, Outcome};

/// Texts that are asked at once.
const BATCH: usize = 20_000;
/// Differences that are shown.
const SHOWN: usize = 20;

pub(crate) async fn mutate(oracle: &mut Oracle, bounds: &Bounds) -> Outcome {
    let statements: Vec<Vec<String>> =
        corpus::statements()?.iter().filter_map(|text| pieces(text)).collect();
    let mut random = bounds.random();
    let (began, bar) = (Instant::now(), progress(bounds.seconds, "s"));
    let (mut compared, mut accepted, mut differing) = (0_usize, 0_usize, 0_usize);
    while began.elapsed() < bounds.duration() {
        let texts: Vec<String> = (0..BATCH).map(|_| mutant(&statements, &mut random)).collect();
        let answers = oracle.ask(Question::Parse, &texts).await?;
        for (text, theirs) in texts.iter().zip(&answers) {
            let Some(ours) = ours(text) else { continue };
            compared += 1;
            accepted += usize::from(theirs.starts_with("ok "));
            if !agree(&ours, theirs) {
                differing += 1;
                if differing <= SHOWN {
                    println!("{text:?}\n  ours:      {ours}\n  Cassandra: {theirs}");
                }
            }
        }
        bar.set_position(began.elapsed().as_secs());
    }
    bar.finish_and_clear();
    println!(
        "{compared} texts, {accepted} of them accepted by Cassandra; {differing} understood otherwise"
    );
    Ok(differing == 0)
}

/// Its tokens, each with what stands before it.
fn pieces(text: &str) -> Option<Vec<String>> {
    let mut end = 0;
    let pieces = tokens(text).ok()?.into_iter().map(|token| {
        let piece = text[end..token.span.end as usize].to_owned();
        end = token.span.end as usize;
        piece
    });
    Some(pieces.collect())
}

fn mutant(statements: &[Vec<String>], random: &mut fastrand::Rng) -> String {
    let any = |random: &mut fastrand::Rng| random.choice(statements).cloned().unwrap_or_default();
    let mut pieces = any(random);
    for _ in 0..random.usize(1..4) {
        let (at, other) = (random.usize(0..=pieces.len()), random.usize(0..=pieces.len()));
        let others = any(random);
        let foreign = random.choice(others).unwrap_or_default();
        match random.u8(0..4) {
            0 if at < pieces.len() => drop(pieces.remove(at)),
            1 if at < pieces.len() && other < pieces.len() => pieces.swap(at, other),
            2 if at < pieces.len() => pieces[at] = foreign,
            _ => pieces.insert(at, foreign),
        }
    }
    pieces.concat()
}
