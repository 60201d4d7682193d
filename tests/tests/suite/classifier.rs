//! What the parser tells of a statement, beside what a real Cassandra does.

use std::io;
use std::sync::{Arc, Mutex};

use cqlstack_core::{Statement, StaticStatement};
use cqlstack_syntax::{Target, parse};
use scylla::client::session_builder::SessionBuilder;
use tracing_subscriber::fmt::MakeWriter;

use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::corpus;

/// As Cassandra calls a marker in what it answers to a prepare.
fn servers_name(target: Target<'_>) -> Option<String> {
    Some(match target {
        Target::Column(column) | Target::Part(column) => column.resolved().into_owned(),
        Target::In(column) => format!("in({})", column.resolved()),
        Target::Element(column) => format!("value({})", column.resolved()),
        Target::Ttl => "[ttl]".into(),
        Target::Timestamp => "[timestamp]".into(),
        Target::Limit => "[limit]".into(),
        Target::PerPartitionLimit => "[per_partition_limit]".into(),
        Target::Token => "partition key token".into(),
        Target::Json => "[json]".into(),
        _ => return None,
    })
}

#[tokio::test]
async fn each_marker_is_for_what_the_server_says() {
    let cluster = Cluster::shared().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let session =
        SessionBuilder::new().known_nodes(cluster.contact_points()).build().await.unwrap();
    session.use_keyspace(keyspace.name(), false).await.unwrap();
    for table in [
        "t (k int, c int, d int, v text, \"V\" text, m map<text, int>, l list<int>, s set<int>, \
         PRIMARY KEY (k, c, d))",
        "n (k int PRIMARY KEY, n counter)",
    ] {
        session.query_unpaged(format!("CREATE TABLE {table}"), ()).await.unwrap();
    }
    for text in [
        "SELECT v FROM t WHERE k = ? AND c = ? AND d > ?",
        "SELECT v FROM t WHERE k IN ? AND c IN (?, ?) PER PARTITION LIMIT ? LIMIT ?",
        "SELECT v FROM t WHERE k = ? AND (c, d) > (?, ?)",
        "SELECT v FROM t WHERE k = ? AND (c, d) IN ((?, ?), (1, ?))",
        "SELECT v FROM t WHERE TOKEN(k) > ? AND v = :v ALLOW FILTERING",
        "INSERT INTO t (k, c, d, \"V\", v) VALUES (?, ?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?",
        "INSERT INTO t (d, c, k, l) VALUES (:d, :c, :k, [1, 2]) IF NOT EXISTS",
        "INSERT INTO t JSON ? DEFAULT UNSET USING TTL ?",
        "UPDATE t USING TIMESTAMP ? AND TTL ? SET v = ?, s = s + ?, l -= ? WHERE k = ? AND c = ? AND d = ?",
        "UPDATE t SET v = ? WHERE k = ? AND c = 1 AND d = 1 IF \"V\" = ? AND v IN ?",
        "UPDATE n SET n = n + ? WHERE k = ?",
        "DELETE v FROM t USING TIMESTAMP ? WHERE k IN ? AND c = ? AND d IN (?, 2)",
        "BEGIN BATCH INSERT INTO t (k, c, d) VALUES (?, ?, ?); DELETE FROM t WHERE k = ?; APPLY BATCH",
    ] {
        let prepared = session.prepare(text).await.unwrap();
        let theirs: Vec<_> =
            prepared.get_variable_col_specs().iter().map(|spec| spec.name().to_owned()).collect();
        let statement = parse(text).unwrap();
        let ours: Vec<_> = statement
            .markers()
            .iter()
            .map(|bound| match bound.marker.name {
                // A marker with a name of its own is called by that.
                Some(name) => name.resolved().into_owned(),
                None => servers_name(bound.target).unwrap(),
            })
            .collect();
        assert_eq!(ours, theirs, "{text}");
    }
}

/// The counts are Cassandra's: `agreement corpus` compares text by text.
#[test]
fn collected_statements_are_understood_as_by_cassandra() {
    let texts = corpus::statements().unwrap();
    let read: Vec<_> = texts.iter().filter_map(|text| parse(text).ok()).collect();
    let markers: usize = read.iter().map(|statement| statement.markers().len()).sum();
    assert_eq!((texts.len(), read.len(), markers), (5687, 4863, 2528));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(run: impl FnOnce()) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_value_in_the_where_of_a_text_made_at_run_time_is_warned_of_once() {
    static CONSTANT: StaticStatement =
        StaticStatement::new("SELECT a FROM warned WHERE k = 'fixed'");
    let log = logged(|| {
        for name in ["secret-one", "secret-two"] {
            let text = format!("SELECT email FROM warned WHERE name = '{name}' LIMIT 1");
            assert!(Statement::new(text).is_idempotent());
        }
        // Nothing to say of a text that is part of the program, of values that are written, or of
        // what does not parse.
        assert!(Statement::new("SELECT b FROM warned WHERE k = 1").is_idempotent());
        assert!(Statement::from_static(&CONSTANT).is_idempotent());
        assert!(Statement::new(format!("INSERT INTO warned (k) VALUES ({})", 1)).is_idempotent());
        assert!(
            !Statement::new(format!("SELECT FROM warned WHERE k = '{}'", "secret")).is_idempotent()
        );
    });
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("select email from warned where name = ? limit ?"), "{log}");
    assert!(log.contains("SELECT warned") && !log.contains("secret"), "{log}");
}
