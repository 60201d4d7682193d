//! A schema that the driver cannot read: types with names that need quotes, and Java classes, anywhere in the
//! cluster.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cqlstack_core::{
    Batch, BatchFault, Client, CqlService, Error, ErrorClass, ErrorKind, PageTokenKey, Request,
    Response, Session, Statement, UnreadableType,
};
use cqlstack_tests::cluster::Cluster;
use futures::TryStreamExt;
use scylla::client::session_builder::SessionBuilder;
use tokio::time::{sleep, timeout};

use crate::support::{HEAVY, full_stack, run};

const CLASS: &str = "'org.apache.cassandra.db.marshal.LexicalUUIDType'";

/// What is beyond the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    CapitalLetters,
    Keyword,
    JavaClass,
}

impl Type {
    fn statements(self, keyspace: &str) -> Vec<String> {
        let named = |name: &str| {
            vec![
                format!("CREATE TYPE {keyspace}.\"{name}\" (a int)"),
                format!("CREATE TABLE {keyspace}.{name} (k int PRIMARY KEY, q frozen<\"{name}\">)"),
            ]
        };
        match self {
            Self::CapitalLetters => named("Address"),
            Self::Keyword => named("order")
                .into_iter()
                .map(|text| text.replace(".order (", ".orders ("))
                .collect(),
            Self::JavaClass => {
                let columns = format!("k int PRIMARY KEY, v int, q {CLASS}");
                vec![format!("CREATE TABLE {keyspace}.custom ({columns})")]
            }
        }
    }
}

const ALL: [Type; 3] = [Type::CapitalLetters, Type::Keyword, Type::JavaClass];

/// All of them, and where there is time each alone.
const TYPES: &[&[Type]] = if HEAVY {
    &[&ALL, &[Type::CapitalLetters], &[Type::Keyword], &[Type::JavaClass]]
} else {
    &[&ALL]
};

async fn session(cluster: &Cluster, keyspace: &str, datacenter: Option<&str>) -> Session {
    // The contact point is the node that is killed.
    let mut builder = Session::builder().contact_points(&cluster.contact_points()[..1]);
    if let Some(datacenter) = datacenter {
        builder = builder.local_datacenter(datacenter);
    }
    builder.keyspace(keyspace).build().await.unwrap()
}

/// The driver as it is by default knows no node of this cluster but its contact points. When this fails, the
/// driver reads these types: `docs/driver.md` can be shorter.
async fn the_driver_is_blind(cluster: &Cluster) -> bool {
    let driver = SessionBuilder::new().known_nodes(cluster.contact_points()).build().await.unwrap();
    let known = driver.get_cluster_state();
    known.get_nodes_info().iter().all(|node| node.datacenter.is_none())
}

async fn every_session_works(cluster: &Cluster, replicas: usize) {
    for types in TYPES {
        let keyspace = cluster.keyspace(replicas).await.unwrap();
        let before = session(cluster, keyspace.name(), Some("dc1")).await;
        a_session_works(cluster, &before, keyspace.name()).await;
        let of_others = cluster.keyspace(replicas).await.unwrap();
        for statement in types.iter().flat_map(|it| it.statements(of_others.name())) {
            cluster.run(statement).await.unwrap();
        }
        assert!(the_driver_is_blind(cluster).await, "{types:?}");
        for (session, when) in [
            (before, "before"),
            (session(cluster, keyspace.name(), Some("dc1")).await, "after"),
            (session(cluster, keyspace.name(), None).await, "after, without a datacentre"),
        ] {
            println!("{types:?}, a session built {when}");
            a_session_works(cluster, &session, keyspace.name()).await;
            let nodes = session.nodes();
            assert_eq!(nodes.len(), cluster.nodes().len(), "{nodes:?}");
            assert!(nodes.iter().all(|node| node.datacenter.as_deref() == Some("dc1")));
            if types.contains(&Type::JavaClass) {
                the_column_itself_is_named(&session, of_others.name()).await;
            }
        }
        cluster.run(format!("DROP KEYSPACE {}", of_others.name())).await.unwrap();
    }
}

/// Changes of the schema, bound values, pages, tokens, batches of literals, a table that is made anew.
async fn a_session_works(cluster: &Cluster, session: &Session, keyspace: &str) {
    let (plain, db) = (Client::new(session.clone()), full_stack(session));
    run(&plain, "CREATE TABLE t (k int, c int, v int, PRIMARY KEY (k, c))").await;
    let insert = Statement::new("INSERT INTO t (k, c, v) VALUES (1, ?, ?)");
    db.many(&insert, (0..25).map(|c| (c, c))).run().await.unwrap();

    let select = Statement::new("SELECT c FROM t WHERE k = ?");
    let request = || Request::new(&select, (1,)).with_page_size(10);
    let rows: Vec<_> = db.rows::<(i32,)>(request()).try_collect().await.unwrap();
    assert_eq!(rows, (0..25).map(|c| (c,)).collect::<Vec<_>>());
    let key = PageTokenKey::new([7; 32]);
    let first = db.request(request().with_page_token(&key, None)).await.unwrap();
    let token = first.next_page_token().unwrap();
    let second = db.request(request().with_page_token(&key, token.as_deref())).await.unwrap();
    let rows: Vec<i32> = second.page::<(i32,)>().unwrap().map(|row| row.unwrap().0).collect();
    assert_eq!(rows, (10..20).collect::<Vec<_>>());

    let delete = |k: i32| Statement::new(format!("DELETE FROM t WHERE k = {k} AND c = 0"));
    let batch = Batch::same_partition().add(delete(1), ()).add(&insert, (30, 30));
    db.request(batch).await.unwrap();
    let several = Batch::same_partition().add(delete(1), ()).add(delete(2), ());
    let error = db.request(several).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Batch(BatchFault::SeveralPartitions { .. })),
        "{error}"
    );

    // By somebody else: the statements stay the same, and so does the width of their values.
    for statement in ["DROP TABLE", "CREATE TABLE"] {
        let columns = if statement == "DROP TABLE" {
            ""
        } else {
            " (k int, c int, v float, PRIMARY KEY (k, c))"
        };
        cluster.run(format!("{statement} {keyspace}.t{columns}")).await.unwrap();
    }
    let made_anew = Instant::now();
    let mut writes = 0;
    let window = loop {
        match db.execute(&insert, (writes, 7_i32)).await {
            Ok(_) => writes += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Values(_)), "{error}");
                break made_anew.elapsed();
            }
        }
        assert!(made_anew.elapsed() < Duration::from_secs(5), "integers are written as floats");
    };
    println!("written with the old type for {window:.1?}, {writes} times");
    assert!(window < Duration::from_millis(1_700), "{window:?}");
    db.execute(&insert, (100, 1.5_f32)).await.unwrap();
    run(&plain, "DROP TABLE t").await;
}

fn unreadable(outcome: Result<Response, Error>, class: ErrorClass) -> UnreadableType {
    let error = outcome.unwrap_err();
    println!("{error}");
    // What is retried ends as `Exhausted`.
    assert_eq!(error.class(), class, "{error}");
    match error.kind() {
        ErrorKind::UnreadableType(unreadable) => (**unreadable).clone(),
        kind => panic!("{kind:?}"),
    }
}

async fn the_column_itself_is_named(session: &Session, keyspace: &str) {
    let db = full_stack(session);
    let text = |text: &str| Statement::new(text.replace("custom", &format!("{keyspace}.custom")));
    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    let write = text(&format!("INSERT INTO custom (k, v, q) VALUES (1, 2, {uuid})"));
    db.execute(&write, ()).await.unwrap();
    let others = text("SELECT k, v FROM custom WHERE k = ?");
    assert_eq!(db.execute(&others, (1,)).await.unwrap().row::<(i32, i32)>().unwrap(), (1, 2));
    let as_json = text("SELECT toJson(q) FROM custom WHERE k = ?");
    let value = db.execute(&as_json, (1,)).await.unwrap().value::<String>().unwrap();
    assert!(value.contains(uuid), "{value}");

    let all = text("SELECT * FROM custom WHERE k = ?");
    let bound = text("INSERT INTO custom (k, q) VALUES (?, ?)");
    for outcome in [
        db.execute(&all, (1,)).await,
        session.prepare(&all).await.map(|_| unreachable!("it cannot be prepared")),
        db.execute(&bound, (1, 1)).await,
    ] {
        let found = unreadable(outcome, ErrorClass::Permanent);
        let UnreadableType { keyspace: in_keyspace, table, column, type_name, executed, .. } =
            found;
        assert_eq!((&*in_keyspace, &*table, &*column), (keyspace, "custom", "q"));
        assert_eq!((&*type_name, executed), (CLASS, false));
    }
    // It was not applied, and its answer is what it found. What the driver cannot read may also say that it was.
    let conditional = text("INSERT INTO custom (k, v) VALUES (1, 3) IF NOT EXISTS");
    for request in
        [Request::new(&conditional, ()), Batch::same_partition().add(&conditional, ()).into()]
    {
        let found = db.request(request).await.unwrap_err();
        println!("{found}");
        assert_eq!(found.worst_class(), ErrorClass::Ambiguous);
        let ErrorKind::UnreadableType(found) = found.kind() else { panic!("{found}") };
        assert_eq!((&*found.keyspace, &*found.column, found.executed), (keyspace, "q", true));
    }
}

#[tokio::test]
async fn every_session_works_on_one_node() {
    let cluster = Cluster::shared_one_to_break().await.unwrap();
    every_session_works(&cluster, 1).await;
}

/// Where a node is killed, the others are those that the cluster told of.
#[tokio::test]
async fn every_session_works_on_three_nodes_also_when_its_contact_point_is_gone() {
    let cluster = Cluster::shared_three().await.unwrap();
    every_session_works(&cluster, 3).await;
    let keyspace = cluster.keyspace(3).await.unwrap();
    for statement in ALL.iter().flat_map(|it| it.statements(keyspace.name())) {
        cluster.run(statement).await.unwrap();
    }
    let sessions = [
        session(&cluster, keyspace.name(), Some("dc1")).await,
        session(&cluster, keyspace.name(), None).await,
    ];
    run(&Client::new(sessions[0].clone()), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    let all_answer = async |db: &Client<_>, from: i32| {
        let insert = Statement::new("INSERT INTO t (k, v) VALUES (?, ?)");
        for k in from..from + 40 {
            let answer = timeout(Duration::from_secs(10), execute(db, &insert, k)).await;
            answer.expect("it ends").unwrap();
        }
    };
    let stacks = sessions.each_ref().map(full_stack);
    for db in &stacks {
        all_answer(db, 0).await;
    }
    cluster.node(0).unwrap().kill().await.unwrap();
    for db in &stacks {
        all_answer(db, 100).await;
    }
    cluster.node(0).unwrap().restart().await.unwrap();
    for (db, session) in stacks.iter().zip(&sessions) {
        let is_back = async {
            while !session.nodes().iter().all(|node| node.up) {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(Duration::from_secs(30), is_back).await.expect("the node is back");
        all_answer(db, 200).await;
        let addresses: BTreeSet<_> = session.nodes().iter().map(|node| node.address).collect();
        assert_eq!(addresses.len(), 3);
    }
    cluster.run(format!("DROP KEYSPACE {}", keyspace.name())).await.unwrap();
}

async fn execute(
    db: &Client<impl CqlService>,
    insert: &Statement,
    k: i32,
) -> Result<Response, Error> {
    db.execute(insert, (k, k)).await
}
