//! What the parser tells of a statement, beside what a real Cassandra does.

use cqlstack_core::{Client, Request, Session, Statement, StaticStatement};
use cqlstack_syntax::{Dialect, Target, parse};
use scylla::client::session_builder::SessionBuilder;

use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::corpus;

use crate::support::{Log, connect};

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

/// Applied once more, what is told to be idempotent changes nothing, and the others do, where it shows.
#[tokio::test]
async fn what_is_told_to_be_idempotent_changes_nothing_the_second_time() {
    const SETS: &str = "UPDATE t SET s = s + {1, 2}, s += {3}, m = m + {'a': 1}, m['b'] = 2, s = s - {9}, \
                        m = m - {'z'} WHERE k = 1";
    let db = connect(&[
        "t (k int PRIMARY KEY, l list<int>, s set<int>, m map<text, int>, v text, u timeuuid, \
         f frozen<list<int>>)",
        "j (k int PRIMARY KEY, v text)",
        "n (k int PRIMARY KEY, n counter)",
    ])
    .await;
    for (idempotent, text) in [
        (true, "INSERT INTO t (k, s, m, v) VALUES (1, {1}, {'a': 1}, 'x') USING TTL 5000"),
        (true, "UPDATE t SET f = [1, 2, 1], s = {3} WHERE k = 1"),
        (true, r#"INSERT INTO j JSON '{"k": 1, "v": "y"}' DEFAULT UNSET"#),
        // Cassandra keeps the elements of both.
        (false, "INSERT INTO t (k, l) VALUES (1, [1, 2, 1])"),
        (false, "UPDATE t SET l = [1, 2, 1] WHERE k = 1"),
        (false, r#"INSERT INTO t JSON '{"k": 1, "l": [1, 2, 1], "v": "y"}' DEFAULT UNSET"#),
        (true, SETS),
        (true, "UPDATE t SET l = l - [1] WHERE k = 1"),
        (true, "UPDATE t SET v = CAST(1 AS text), u = min_timeuuid('2020-01-01') WHERE k = 1"),
        (true, "DELETE m['a'], v FROM t WHERE k = 1"),
        (false, "UPDATE t SET l = l + [7] WHERE k = 1"),
        (false, "UPDATE t SET l = [8] + l WHERE k = 1"),
        (false, "UPDATE t SET l += [9] WHERE k = 1"),
        (false, "DELETE l[0] FROM t WHERE k = 1"),
        (false, "UPDATE t SET u = now() WHERE k = 1"),
        (false, "UPDATE n SET n = n + 1 WHERE k = 1"),
        (false, "UPDATE n SET n = n -1 WHERE k = 1"),
        (false, "UPDATE n SET n -= 2 WHERE k = 1"),
        (false, "UPDATE n SET n = n + ((1)) WHERE k = 1"),
        (false, "UPDATE t SET l = l + ([1]) WHERE k = 1"),
        (false, "DELETE l[(0)] FROM t WHERE k = 1"),
    ] {
        let write = Statement::new(text);
        let request = Request::from(&write);
        if let Err(error) = db.request(request.clone()).await {
            panic!("{text}: {error}");
        }
        let once = rows(&db).await;
        // As a layer sends it again: with the same timestamp.
        db.request(request).await.unwrap();
        assert_eq!(rows(&db).await == once, idempotent, "{text}");
        let prepared = db.service().prepare(&write).await.unwrap();
        assert_eq!(prepared.is_idempotent(), idempotent, "{text}");
    }
    // These are told to be idempotent because they never run: only counters and lists count.
    for change in ["n -= (1, 2)", "n = {1} + n", "n = n + {1}", "n = n - [1]", "n += {'a': 1}"] {
        let write = Statement::new(format!("UPDATE n SET {change} WHERE k = 1"));
        assert!(db.request(&write).await.is_err(), "{change}");
    }
    for change in ["l = {1} + l", "l = l + {1}", "l += (1, 2)", "l = {'a': 1} + l"] {
        let write = Statement::new(format!("UPDATE t SET {change} WHERE k = 1"));
        assert!(db.request(&write).await.is_err(), "{change}");
    }
}

async fn rows(db: &Client<Session>) -> String {
    let [t, n] = ["SELECT JSON * FROM t", "SELECT JSON * FROM n"].map(Statement::new);
    let t = db.request(&t).await.unwrap().maybe_row::<(String,)>().unwrap();
    let n = db.request(&n).await.unwrap().maybe_row::<(String,)>().unwrap();
    format!("{t:?} {n:?}")
}

/// The counts are Cassandra's: `agreement corpus` compares text by text.
#[test]
fn collected_statements_are_understood_as_by_cassandra() {
    let texts = corpus::statements().unwrap();
    let read: Vec<_> = texts.iter().filter_map(|text| parse(text).ok()).collect();
    let markers: usize = read.iter().map(|statement| statement.markers().len()).sum();
    assert_eq!((texts.len(), read.len(), markers), (9012, 7470, 2531));
    // Other servers take more, and understand the same of this.
    for text in &texts {
        let Ok(statement) = parse(text) else { continue };
        for dialect in [Dialect::ScyllaDb, Dialect::NextCassandra, Dialect::Any] {
            assert_eq!(dialect.parse(text).as_ref(), Ok(&statement), "{text}");
        }
    }
}

fn logged(run: impl FnOnce()) -> String {
    let (log, _listening) = Log::listen();
    run();
    log.lines("").join("\n")
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
