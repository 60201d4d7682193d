//! Names that nobody would choose.

use cqlstack_metrics::MetricsLayer;
use cqlstack_tests::scrape::{Scrape, promtool};

use crate::support::{count, exporter};
use crate::{answering, statement};

#[tokio::test]
async fn names_of_any_kind_are_one_line_each() {
    const NAMES: [&str; 6] =
        ["say \"hi\"", "two\nlines", "back\\slash", "tab\tand\r", "🦀 crab", "{a=\"b\"} 7"];
    let db = answering(&MetricsLayer::new());
    let long: &'static str = "x".repeat(1 << 20).leak();
    for name in NAMES.into_iter().chain([long, ""]) {
        db.request(statement(name)).await.unwrap();
    }
    let text = exporter().render();
    assert!(text.len() < 1 << 20);
    let scrape = Scrape::parse(&text).unwrap();
    for (name, escaped) in [
        ("🦀 crab", "🦀 crab"),
        ("say \"hi\"", r#"say \"hi\""#),
        ("two\nlines", r"two\nlines"),
        ("back\\slash", r"back\\slash"),
    ] {
        let line = format!("cassandra_queries_total{{statement=\"{escaped}\"}} 1");
        assert!(text.lines().any(|l| l == line), "{name}: {line}");
    }
    assert_eq!(count(&scrape, "🦀 crab"), 1);
    assert_eq!(scrape.sum("cassandra_queries_total", &[("statement", &long[..128])]), 1);
    assert_ne!(promtool(&text).unwrap(), Some(false));
}

#[tokio::test]
async fn a_text_with_literals_is_never_a_label() {
    let db = answering(&MetricsLayer::new());
    let text = "SELECT v FROM secrets WHERE k = 'hunter2'";
    db.request(cqlstack_core::Statement::new(text)).await.unwrap();
    let text = exporter().render();
    assert!(text.contains("statement=\"SELECT secrets\""));
    assert!(!text.contains("hunter2"));
}
