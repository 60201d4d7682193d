//! What the exporter's text says.

use cqlstack_tests::scrape::Scrape;

pub(crate) use crate::exporter::exporter;

pub(crate) fn scrape() -> Scrape {
    Scrape::parse(&exporter().render()).unwrap()
}

/// How many values the histogram of this statement has, by its own count.
pub(crate) fn count(scrape: &Scrape, statement: &str) -> u64 {
    scrape.sum("cassandra_query_duration_seconds_count", &[("statement", statement)])
}
