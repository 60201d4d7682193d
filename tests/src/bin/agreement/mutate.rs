//! Collected statements with tokens left out, doubled, swapped and replaced.

use cqlstack_syntax::{parse, tokens};
use cqlstack_tests::corpus;
use cqlstack_tests::oracle::{Oracle, Question};

use crate::compare::{Asked, Verdict, agree, ours, until_over};
use crate::{Bounds, Outcome};

pub(crate) async fn mutate(oracle: &mut Oracle, bounds: &Bounds) -> Outcome {
    let statements: Vec<Vec<String>> =
        corpus::statements()?.iter().filter_map(|text| pieces(text)).collect();
    let asked = Asked {
        question: Question::Parse,
        batch: 20_000,
        accepts: |theirs| theirs.starts_with("ok "),
        judge: &|text, theirs| match ours(text) {
            ours if agree(&ours, theirs) => Verdict::Same,
            ours => Verdict::Other(ours),
        },
        written: |text| parse(text).ok().map(|statement| format!("{statement:#}")),
    };
    until_over(oracle, bounds, asked, |random| mutant(&statements, random)).await
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
