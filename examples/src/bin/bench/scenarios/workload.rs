//! Statements of your own.

use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{Client, CqlService, Statement};
use scylla::client::session::Session as Driver;
use scylla::response::PagingState;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::CqlValue;

use super::Scenario;
use super::paced::{self, Sides};
use crate::Failure;
use crate::bench::Bench;
use crate::connect::full_stack;
use crate::load::Plan;
use crate::side::{Failed, Side};
use crate::sides::their_class;
use crate::values::Specs;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "workload",
    about: "statements of your own, by weight, in an open or closed loop: the driver, the full stack",
    run,
    probe: None,
    without: &[],
};

/// What the requests of a load are.
#[derive(Clone)]
struct Mix<S> {
    parts: Vec<Part<S>>,
    weights: u64,
}

#[derive(Clone)]
struct Part<S> {
    statement: S,
    values: Specs,
    weight: u64,
}

fn run(bench: &mut Bench) -> Result<(), Failure> {
    let (schema, mix) = asked_for(bench)?;
    let runtime = bench.runtime()?;
    let connect = bench.connect(&runtime)?;
    let (driver, stack) = runtime.block_on(async {
        let driver = connect.driver().await?;
        let db = full_stack(connect.session().await?, 30_000)?;
        for text in schema {
            db.request(Statement::new(text)).await?;
        }
        let prepared = mix.prepared(&driver).await?;
        Ok::<_, Failure>((theirs(driver, prepared), ours(db, mix)))
    })?;
    let plan = Plan {
        in_flight: bench.arguments.in_flight.unwrap_or(100),
        time: bench.arguments.seconds.unwrap_or(Duration::from_secs(10)),
        rate: bench.arguments.rate,
        slo: bench.arguments.slo,
    };
    let sides = Sides {
        driver,
        stack,
        sockets: connect.sockets.clone(),
        connections: connect.connections(),
    };
    paced::run(bench, &runtime, SCENARIO.name, "workload", &sides, plan)
}

/// What to run first, and what to measure.
fn asked_for(bench: &Bench) -> Result<(Vec<String>, Mix<Statement>), Failure> {
    let arguments = &bench.arguments;
    let mut schema = arguments.schema.clone();
    let mut parts = Vec::new();
    if arguments.statement.is_empty() {
        schema.push("CREATE TABLE IF NOT EXISTS bench.rows (id uuid PRIMARY KEY, v text)".into());
        let read =
            ("SELECT v FROM bench.rows WHERE id = ?", "uuid:10000".to_owned(), arguments.reads);
        let values = format!("uuid:10000,text:{}", arguments.row_size);
        let write = ("INSERT INTO bench.rows (id, v) VALUES (?, ?)", values, arguments.writes);
        for (text, values, weight) in [read, write] {
            let (statement, values) = (Statement::new(text), values.parse()?);
            parts.push(Part { statement, values, weight: weight.into() });
        }
    } else {
        let count = arguments.statement.len();
        let fits = |given: usize| given == 0 || given == count;
        if !fits(arguments.values.len()) || !fits(arguments.weight.len()) {
            let why = "give one --values, and one --weight or none, for each --statement";
            return Err(format!("{count} statements: {why}").into());
        }
        for (index, text) in arguments.statement.iter().enumerate() {
            let values = arguments.values.get(index).cloned().unwrap_or_default();
            let weight = arguments.weight.get(index).copied().unwrap_or(1).into();
            parts.push(Part { statement: Statement::new(text.clone()), values, weight });
        }
    }
    let weights = parts.iter().map(|part| part.weight).sum();
    if weights == 0 {
        return Err("no weight is above 0: there is nothing to send".into());
    }
    Ok((schema, Mix { parts, weights }))
}

impl Mix<Statement> {
    async fn prepared(&self, driver: &Driver) -> Result<Mix<PreparedStatement>, Failure> {
        let mut parts = Vec::new();
        for Part { statement, values, weight } in &self.parts {
            let statement = driver.prepare(statement.text()).await?;
            parts.push(Part { statement, values: values.clone(), weight: *weight });
        }
        Ok(Mix { parts, weights: self.weights })
    }
}

impl<S> Mix<S> {
    /// A statement with its values, by a random number.
    fn draw(&self, number: u64) -> (&S, Vec<CqlValue>) {
        let mut random = fastrand::Rng::with_seed(number);
        let mut left = random.u64(..self.weights);
        let heavy = self.parts.iter().find(|part| {
            let chosen = left < part.weight;
            left = left.saturating_sub(part.weight);
            chosen
        });
        let part = heavy.unwrap_or(&self.parts[0]);
        (&part.statement, part.values.make(&mut random))
    }
}

fn ours(db: Client<impl CqlService + Sync + 'static>, mix: Mix<Statement>) -> Side {
    let shared = Arc::new((db, mix));
    Side::new("full stack", move |number| {
        let shared = Arc::clone(&shared);
        async move {
            let (db, mix) = &*shared;
            let (statement, values) = mix.draw(number);
            let answer = db.execute(statement, values).await;
            answer.map(drop).map_err(|error| error.class().as_str())
        }
    })
}

fn theirs(driver: Driver, mix: Mix<PreparedStatement>) -> Side {
    let shared = Arc::new((driver, mix));
    Side::new("driver", move |number| {
        let shared = Arc::clone(&shared);
        async move { send(&shared.0, &shared.1, number).await }
    })
}

async fn send(driver: &Driver, mix: &Mix<PreparedStatement>, number: u64) -> Result<(), Failed> {
    let (prepared, values) = mix.draw(number);
    let bound = prepared.clone().bind(&values).map_err(|_| "values")?;
    let answer = driver.execute_bound_single_page(&bound, PagingState::start()).await;
    let (answer, _) = answer.map_err(|error| their_class(&error))?;
    if answer.is_rows() {
        answer.into_rows_result().map_err(|_| "rows")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_drawn_by_their_weight() {
        let part = |statement, weight| Part { statement, values: Specs::default(), weight };
        let mix =
            Mix { parts: vec![part("read", 9), part("never", 0), part("write", 1)], weights: 10 };
        let drawn: Vec<_> = (0..10_000).map(|number| *mix.draw(number).0).collect();
        let count = |name| drawn.iter().filter(|drawn| **drawn == name).count();
        assert!((8_800..9_200).contains(&count("read")), "{}", count("read"));
        assert_eq!(count("never"), 0);
        assert_eq!(count("read") + count("write"), 10_000);
    }
}
