//! What the tests, the examples and the benchmarks run against: throwaway Cassandra clusters
//! ([`cluster`]), a session that answers at once ([`at_once`]), Cassandra's own parser ([`oracle`]) and
//! texts to compare it on ([`corpus`]); how they read what Prometheus would ([`scrape`]), and how often futures are
//! polled ([`polls`]); a server on the paused clock ([`simulated`]).

pub mod at_once;
pub mod cluster;
pub mod corpus;
pub mod fault;
pub mod oracle;
pub mod polls;
pub mod scrape;
pub mod simulated;

/// Compiles the README's blocks.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Compiles the guide's blocks.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
pub struct Guide;

/// Compiles the blocks of the page on runtimes.
#[cfg(doctest)]
#[doc = include_str!("../../docs/runtimes.md")]
pub struct Runtimes;

/// A crate of its own, with the default recursion limit, spawns the full stack: layers add to the depth
/// of a type that the compiler has to look through.
///
/// ```no_run,standalone_crate
/// use cqlstack_core::{Client, Session, Statement};
/// use cqlstack_metrics::MetricsLayer;
/// use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
/// use tower::ServiceBuilder;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stack = ServiceBuilder::new()
///     .layer(MetricsLayer::new())
///     .layer(RetryLayer::default())
///     .layer(ConcurrencyLimitLayer::new(100)?)
///     .layer(StatementCacheLayer::default());
/// let db = Client::new(stack.service(Session::builder().build().await?));
/// let read = Statement::new("SELECT name FROM app.users WHERE id = ?");
/// let (one, other) = (db.execute(&read, (1,)), async move {
///     let name: Option<(String,)> = db.execute(&read, (2,)).await?.maybe_row()?;
///     Ok::<_, cqlstack_core::Error>(name)
/// });
/// tokio::spawn(one).await??;
/// tokio::spawn(tokio::spawn(other)).await???;
/// # Ok(())
/// # }
/// ```
#[cfg(doctest)]
pub struct Spawned;

#[cfg(test)]
mod tests {
    /// `suite/limit::name` is the function `name` of `tests/suite/limit.rs`.
    #[test]
    fn every_test_that_the_documents_name_is_there() {
        let documents = [include_str!("../../docs/guide.md"), include_str!("../../docs/driver.md")];
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
        let codes = documents.iter().flat_map(|document| document.split('`'));
        let named = codes.filter_map(|code| code.split_once("::"));
        let named: Vec<_> = named.filter(|(file, _)| file.contains('/')).collect();
        for (file, name) in &named {
            let path = format!("{folder}/{file}.rs");
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(text.contains(&format!("fn {name}(")), "{path} has no {name}");
        }
        assert!(named.len() > 20, "{named:?}");
    }
}
