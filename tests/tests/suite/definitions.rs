//! Tables as the session reads them, beside the driver's reading of the whole schema.

#![expect(clippy::disallowed_types, reason = "the driver here reads the schema")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::testing::TableAsRead;
use cqlstack_core::{Batch, Client, Session, Statement};
use cqlstack_syntax::ColumnRole;
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::fault::{FaultProxy, Playing, Script, Step};
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::cluster::metadata::{CollectionType, ColumnKind, ColumnType, Keyspace, Table};
use tokio::time::{sleep, timeout};

use crate::cache::cached;
use crate::keyspaces::through;
use crate::support::{HEAVY, connect, count, run};

const TABLES: usize = if HEAVY { 1_000 } else { 40 };

const SCHEMA: [&str; 11] = [
    "CREATE TYPE phone (prefix int, number text)",
    "CREATE TYPE person (name text, phones frozen<map<text, frozen<phone>>>, born date)",
    "CREATE TYPE office (people frozen<list<frozen<tuple<int, frozen<person>>>>>, plan vector<float, 3>)",
    "CREATE TABLE natives (a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, \
     i float, j inet, k int, l smallint, m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, \
     s varchar, t varint, PRIMARY KEY ((a, k), b, j)) WITH CLUSTERING ORDER BY (b DESC, j ASC)",
    "CREATE TABLE counts (k int PRIMARY KEY, n counter)",
    "CREATE TABLE holds (k frozen<list<int>>, c frozen<tuple<int, text>>, s text STATIC, l list<int>, \
     e set<text>, m map<uuid, frozen<set<inet>>>, f frozen<map<int, frozen<list<text>>>>, u person, \
     o frozen<office>, v vector<frozen<phone>, 2>, \"Capital\" int, PRIMARY KEY (k, c))",
    "CREATE INDEX ON holds (s)",
    "CREATE MATERIALIZED VIEW views AS SELECT k, b, a, j, m FROM natives WHERE a IS NOT NULL AND \
     k IS NOT NULL AND b IS NOT NULL AND j IS NOT NULL AND m IS NOT NULL \
     PRIMARY KEY (m, a, k, b, j)",
    "CREATE TABLE only_key (a int, b int, PRIMARY KEY (a, b))",
    // The schema has a column of this type as `int`.
    "CREATE TYPE \"int\" (a text)",
    "CREATE TABLE named (k int PRIMARY KEY, v \"int\")",
];

/// A type as `system_schema` writes it.
fn written(kind: &ColumnType<'_>) -> String {
    let frozen = |is_frozen: bool, inner: String| {
        if is_frozen { format!("frozen<{inner}>") } else { inner }
    };
    match kind {
        ColumnType::Native(native) => format!("{native:?}").to_lowercase(),
        ColumnType::Vector { typ, dimensions } => format!("vector<{}, {dimensions}>", written(typ)),
        ColumnType::Tuple(kinds) => {
            let kinds: Vec<_> = kinds.iter().map(written).collect();
            format!("frozen<tuple<{}>>", kinds.join(", "))
        }
        ColumnType::UserDefinedType { frozen: is_frozen, definition } => {
            frozen(*is_frozen, definition.name.to_string())
        }
        ColumnType::Collection { frozen: is_frozen, typ } => {
            let inner = match typ {
                CollectionType::List(of) => format!("list<{}>", written(of)),
                CollectionType::Set(of) => format!("set<{}>", written(of)),
                CollectionType::Map(keys, values) => {
                    format!("map<{}, {}>", written(keys), written(values))
                }
                other => panic!("{other:?}"),
            };
            frozen(*is_frozen, inner)
        }
        other => panic!("{other:?}"),
    }
}

/// All that the driver knows as well: it does not tell the order of rows.
type Told = (BTreeMap<String, (String, String)>, Vec<String>, Vec<String>);

fn of_driver(table: &Table) -> Told {
    let role = |kind: &ColumnKind| match kind {
        ColumnKind::PartitionKey => "partition key",
        ColumnKind::Clustering => "clustering",
        ColumnKind::Static => "static",
        _ => "regular",
    };
    let columns = table.columns.iter();
    let columns = columns
        .map(|(name, it)| (name.clone(), (role(&it.kind).to_owned(), written(&it.typ))))
        .collect();
    (columns, table.partition_key.clone(), table.clustering_key.clone())
}

fn ours(table: &TableAsRead) -> Told {
    let role = |role: ColumnRole| match role {
        ColumnRole::PartitionKey { .. } => "partition key",
        ColumnRole::Clustering { .. } => "clustering",
        ColumnRole::Static => "static",
        ColumnRole::Regular => "regular",
        other => panic!("{other:?}"),
    };
    let columns = table.columns.iter();
    let columns = columns
        .map(|(name, (is, kind))| (name.clone(), (role(*is).to_owned(), kind.clone())))
        .collect();
    (columns, table.partition_key.clone(), table.clustering_key.clone())
}

/// The driver as it is by default, which reads all keyspaces.
async fn driver(points: Vec<String>) -> Driver {
    SessionBuilder::new().known_nodes(points).build().await.unwrap()
}

fn compare_types(of: &Keyspace, read: &TableAsRead) {
    for (name, fields) in &read.types {
        let theirs = &of.user_defined_types[name].field_types;
        let theirs: Vec<_> =
            theirs.iter().map(|(name, kind)| (name.to_string(), written(kind))).collect();
        assert_eq!(*fields, theirs, "{name}");
    }
}

#[tokio::test]
async fn what_is_read_table_by_table_is_what_the_driver_reads_at_once() {
    // So many tables are not dropped in a reasonable time.
    let own = Cluster::builder().yaml("materialized_views_enabled", "true");
    let own = if HEAVY { Some(own.start().await.unwrap()) } else { None };
    let lent = if HEAVY { None } else { Some(Cluster::shared_one_to_break().await.unwrap()) };
    let cluster = own.as_ref().or(lent.as_deref()).unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let name = keyspace.name();
    let points = cluster.contact_points();
    let builder = Session::builder().contact_points(points.clone()).keyspace(name);
    let session = builder.build().await.unwrap();
    let db = Client::new(session.clone());
    for text in SCHEMA {
        let made = db.request(Statement::new(text)).await;
        made.unwrap_or_else(|error| panic!("{text}: {:?}", error.server_message()));
    }
    for table in 0..TABLES {
        let columns = "k int, c text, v text, PRIMARY KEY (k, c)";
        cluster.run(format!("CREATE TABLE {name}.t{table} ({columns})")).await.unwrap();
    }
    let driver = driver(points.clone()).await;
    let known = driver.get_cluster_state();
    let of = known.get_keyspace(name).unwrap();
    let views = of.views.iter().map(|(name, view)| (name, &view.view_metadata));
    let mut compared = 0;
    for (table, theirs) in of.tables.iter().chain(views) {
        let read = session.table_as_read(name, table).await.expect("it is there");
        assert_eq!(ours(&read), of_driver(theirs), "{table}");
        compare_types(of, &read);
        compared += 1;
    }
    assert_eq!(compared, 6 + TABLES);
    let holds = session.table_as_read(name, "holds").await.unwrap();
    let types: BTreeSet<_> = holds.types.keys().map(String::as_str).collect();
    assert_eq!(types, ["office", "person", "phone"].into());
    let natives = session.table_as_read(name, "natives").await.unwrap();
    let descending = ColumnRole::Clustering { position: 0, descending: true };
    assert_eq!(natives.columns["b"], (descending, "bigint".to_owned()));
    for without_columns in ["holds_s_idx", "nowhere"] {
        assert_eq!(session.table_as_read(name, without_columns).await, None);
    }

    every_marker_is_of_its_column(&session, of).await;

    let ours = median(async || drop(session_in(&points).await)).await;
    let theirs = median(async || drop(self::driver(points.clone()).await)).await;
    println!("with {TABLES} tables: {ours:.1?} to build a session, {theirs:.1?} the driver's");
    if !HEAVY {
        cluster.run(format!("DROP KEYSPACE {name}")).await.unwrap();
    }
}

async fn session_in(points: &[String]) -> Session {
    Session::builder().contact_points(points).build().await.unwrap()
}

async fn median(build: impl AsyncFn()) -> Duration {
    let mut times = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        build().await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[4]
}

/// A statement whose markers have other types than the columns is not kept: it was prepared by a node that
/// knows another table.
async fn every_marker_is_of_its_column(session: &Session, of: &Keyspace) {
    for (name, table) in of.tables.iter().filter(|(name, _)| **name != "counts") {
        let columns: Vec<_> = table.columns.keys().map(|name| format!("\"{name}\"")).collect();
        let markers = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO {name} ({}) VALUES ({markers})", columns.join(", "));
        is_kept(session, &insert).await;
    }
    for text in [
        "UPDATE counts SET n = n + ? WHERE k = ?",
        "UPDATE holds USING TTL ? AND TIMESTAMP ? SET l = l + ?, l[?] = ?, e = e - ?, m[?] = ?, u.name = ?, \
         s = ? WHERE k = ? AND c = ?",
        "UPDATE holds SET l = ? WHERE k = ? AND c = (?, ?) IF l[?] = ? AND u.name = ? AND \"Capital\" IN ?",
        "DELETE m[?], l[?] FROM holds WHERE k = ? AND c IN ? IF EXISTS",
        "SELECT * FROM holds WHERE k IN ? AND c > ? AND l CONTAINS ? AND m CONTAINS KEY ? AND m[?] = ? LIMIT ? \
         ALLOW FILTERING",
        "SELECT * FROM only_key WHERE token(a) > token(?) AND token(a) <= ? AND b IN (?, ?) PER PARTITION \
         LIMIT ? ALLOW FILTERING",
        "SELECT * FROM natives WHERE a = ? AND k = ? AND (b, j) > (?, ?) AND (b, j) <= ?",
        "INSERT INTO only_key JSON ?",
        "SELECT (int) ?, a FROM only_key WHERE a = :a AND b = :b",
        // Named like columns of other types.
        "INSERT INTO natives (a, k, b, j, m, o) VALUES (:b, :a, :o, :m, :j, :k) USING TIMESTAMP :o AND TTL :a",
        "SELECT * FROM natives WHERE a IN :k AND k IN :a AND b = :j LIMIT :m",
        "SELECT * FROM only_key WHERE token(a) > :a AND token(a) <= token(:b) LIMIT :b",
        "UPDATE holds SET m[:k] = :c, l = :s + l, u.phones = :v, u.name = :k WHERE k = :m AND c = :l",
        "UPDATE holds SET m = m - ?, e = e + ?, l = l - ? WHERE k = ? AND c = ?",
        "UPDATE holds SET e = ?, l = ? WHERE k = ? AND c = ? IF m[?] IN ?",
        "DELETE e[?] FROM holds WHERE k = ? AND c = (?, ?)",
        "BEGIN BATCH INSERT INTO only_key (a, b) VALUES (:v, :k); UPDATE holds SET s = :a WHERE k = :b; APPLY BATCH",
        "SELECT * FROM natives WHERE (b, j) IN ? AND a = ? AND k = ?",
        "SELECT v FROM named WHERE k = ?",
        "INSERT INTO named (k, v) VALUES (?, ?)",
    ] {
        is_kept(session, text).await;
    }
}

/// While the session notices that tables were made, a statement may be one of before.
async fn is_kept(session: &Session, text: &str) {
    for _ in 0..3 {
        match session.prepare(Statement::new(text.to_owned())).await {
            Ok(prepared) if prepared.is_current() => return,
            Ok(_) => {}
            Err(error) => panic!("{text}: {:?}", error.server_message()),
        }
    }
    panic!("{text}: its markers are taken for those of another table");
}

/// A session in the keyspace of a new table, and another one that reaches it through a proxy.
pub(crate) async fn behind_a_proxy(table: &str) -> (Client<Session>, FaultProxy, Session) {
    let cluster = Cluster::shared().await.unwrap();
    let db = connect(&[table]).await;
    let keyspace = db.service().driver().unwrap().get_keyspace().unwrap();
    let proxy = FaultProxy::before(cluster.node(0).unwrap().address()).await.unwrap();
    let session = through(&proxy, &keyspace).await;
    (db, proxy, session)
}

/// What a request for the columns of tables has in it.
const COLUMNS: &[u8; 21] = b"system_schema.columns";

/// How often columns of tables are asked for, through a proxy.
fn count_reads(proxy: &FaultProxy) -> (Arc<AtomicUsize>, Playing) {
    count(proxy, |frame| frame.has(COLUMNS) && !frame.is_control())
}

#[tokio::test]
async fn a_table_is_read_once_whatever_is_prepared_and_by_whom() {
    let (db, proxy, session) = behind_a_proxy("t (k int PRIMARY KEY, v int)").await;
    let (reads, _counting) = count_reads(&proxy);
    let at_once = (0..50).map(|n| {
        let session = session.clone();
        let text = format!("SELECT v AS v{n} FROM t WHERE k = ?");
        tokio::spawn(async move { session.prepare(Statement::new(text)).await.unwrap() })
    });
    for prepared in at_once.collect::<Vec<_>>() {
        assert!(prepared.await.unwrap().is_current());
    }
    assert_eq!(reads.load(Ordering::Relaxed), 1);
    // Without columns in the schema: they are not asked for again and again.
    for n in 0..10 {
        let text = format!(
            "SELECT address AS a{n} FROM system_views.clients WHERE port = ? ALLOW FILTERING"
        );
        session.prepare(Statement::new(text)).await.unwrap();
    }
    assert_eq!(reads.load(Ordering::Relaxed), 2);
    // What is not there may be made.
    let made_late = Statement::new("SELECT v FROM late WHERE k = ?");
    assert!(session.prepare(&made_late).await.is_err());
    run(&db, "CREATE TABLE late (k int PRIMARY KEY, v int)").await;
    session.prepare(&made_late).await.unwrap();
    let keyspace = db.service().driver().unwrap().get_keyspace().unwrap();
    assert!(session.table_as_read(&keyspace, "late").await.is_some());
}

#[tokio::test]
async fn a_statement_is_prepared_also_if_its_table_cannot_be_read() {
    let (_db, proxy, session) = behind_a_proxy("t (k int PRIMARY KEY, v int)").await;
    let (cached, _) = cached(&session);
    let asks = Script::requests().on_every_connection().when(|frame| frame.has(COLUMNS));
    let spoil = Step::replace(COLUMNS, b"system_schemX.columns");
    let playing = proxy.play(asks.then(spoil).over_and_over()).unwrap();
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
    cached.execute(&insert, (1, 2)).await.unwrap();
    let literal = || {
        let delete = Statement::new("DELETE FROM t WHERE k = 1");
        Batch::same_partition().add(delete, ()).add(&insert, (1, 3))
    };
    let error = cached.request(literal()).await.unwrap_err();
    println!("{error}");
    assert!(playing.begun() > 0);
    drop(playing);
    let answered = async {
        while cached.request(literal()).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(3), answered).await.expect("it is read soon");
}

/// As if the node that tells of the table knew another one than those that prepare: the proxy changes what it
/// says.
#[tokio::test]
async fn markers_that_do_not_fit_are_prepared_again_and_believed_in_the_end() {
    let (db, proxy, session) = behind_a_proxy("t (k int PRIMARY KEY, v bigint)").await;
    let answers = Script::answers().on_every_connection().when(|frame| frame.has(b"bigint"));
    let spoil = Step::replace(b"bigint", b"double");
    let _spoiled = proxy.play(answers.then(spoil).over_and_over()).unwrap();
    let insert = Statement::new("INSERT INTO t (k, v) VALUES (1, :k)");
    for _ in 0..3 {
        assert!(
            !session.prepare(&insert).await.unwrap().is_current(),
            "another node may know more"
        );
    }
    // The comparison may be wrong, so that no statement is refused for it.
    let (cached, handle) = cached(&session);
    for value in 0..10_i64 {
        cached.execute(&insert, (value,)).await.unwrap();
    }
    assert!(handle.stats().prepares <= 2, "{:?}", handle.stats());
    let believed = handle.stats().prepares;
    // And not for long.
    let again = async {
        while handle.stats().prepares == believed {
            cached.execute(&insert, (10_i64,)).await.unwrap();
        }
    };
    timeout(Duration::from_secs(5), again).await.expect("it is prepared again after the next look");
    let read = run(&db, "SELECT v FROM t WHERE k = 1").await.value::<i64>().unwrap();
    assert_eq!(read, 10);
}
