//! Names that nobody would choose.

use std::io::Write;
use std::process::{Command, Stdio};

use cqlstack_metrics::MetricsLayer;

use crate::{answering, count, exporter, parse, statement, value};

#[tokio::test]
async fn names_of_any_kind_are_one_line_each() {
    const NAMES: [&str; 6] =
        ["say \"hi\"", "two\nlines", "back\\slash", "tab\tand\r", "🦀 crab", "{a=\"b\"} 7"];
    let db = answering(&MetricsLayer::new());
    let long: &'static str = "x".repeat(1 << 20).leak();
    for name in NAMES.into_iter().chain([long, ""]) {
        db.request(&statement(name)).await.unwrap();
    }
    let text = exporter().render();
    assert!(text.len() < 1 << 20);
    let scrape = parse(&text);
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
    assert_eq!(value(&scrape, "cassandra_queries_total", &[("statement", &long[..128])]), 1);
    promtool(&text);
}

#[tokio::test]
async fn a_text_with_literals_is_never_a_label() {
    let db = answering(&MetricsLayer::new());
    let text = "SELECT v FROM secrets WHERE k = 'hunter2'";
    db.request(&cqlstack_core::Statement::new(text)).await.unwrap();
    let text = exporter().render();
    assert!(text.contains("statement=\"SELECT secrets\""));
    assert!(!text.contains("hunter2"));
}

/// Prometheus' own check, where it is installed: `apt-get install prometheus`.
pub(crate) fn promtool(text: &str) {
    let checked = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut check) = checked else {
        println!("promtool is not installed: only our parser has read the text");
        return;
    };
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(check.wait().unwrap().success());
}
