//! What `cqlstack_syntax::check` says of statements beside what a server says when it prepares them.

use cqlstack_core::scylla::frame::response::result::{CollectionType, ColumnSpec};
use cqlstack_core::{ColumnType, Session};
use cqlstack_syntax::check::{Finding, Lint, Signature, check};
use cqlstack_syntax::{Dialect, Facts, Schema, parse, script};
use cqlstack_tests::cluster::Cluster;
use cqlstack_tests::corpus;

use crate::support;

pub(crate) const SCHEMA: &str = include_str!("checked/schema.cql");
/// Statements that the server prepares, one a line.
pub(crate) const RIGHT: &str = include_str!("checked/right.cql");
/// Statements that it refuses: what its error names, and the statement.
const WRONG: &str = include_str!("checked/wrong.tsv");

/// A server with the schema, which is in use.
pub(crate) async fn shop() -> (Cluster, Session) {
    let cluster = support::with_every_feature().await;
    for scripted in script(SCHEMA).unwrap() {
        let text = scripted.text.to_owned();
        cluster.run(text.clone()).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let session = session.await.unwrap();
    session.driver().unwrap().use_keyspace("shop", false).await.unwrap();
    (cluster, session)
}

fn typed(kind: &ColumnType<'_>) -> String {
    match kind {
        ColumnType::Native(kind) => format!("{kind:?}").to_lowercase(),
        ColumnType::Collection { typ: CollectionType::List(kind), .. } => {
            format!("list<{}>", typed(kind))
        }
        ColumnType::Collection { typ: CollectionType::Set(kind), .. } => {
            format!("set<{}>", typed(kind))
        }
        ColumnType::Collection { typ: CollectionType::Map(keys, values), .. } => {
            format!("map<{}, {}>", typed(keys), typed(values))
        }
        ColumnType::Vector { typ, dimensions } => format!("vector<{}, {dimensions}>", typed(typ)),
        ColumnType::Tuple(kinds) => {
            format!("tuple<{}>", kinds.iter().map(typed).collect::<Vec<_>>().join(", "))
        }
        ColumnType::UserDefinedType { definition, .. } => definition.name.to_string(),
        kind => format!("{kind:?}"),
    }
}

fn findings(text: &str, schema: &Schema) -> Vec<Finding> {
    check(&parse(text).unwrap(), Some(schema), Some("shop"))
}

#[tokio::test]
async fn what_a_server_prepares_has_no_error_and_the_signature_that_it_tells() {
    let (_cluster, session) = shop().await;
    let driver = session.driver().unwrap();
    let schema = Schema::from_script(SCHEMA).unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    let (mut kinds, mut untold) = (0, 0);
    for text in RIGHT.lines() {
        let prepared = match driver.prepare(text).await {
            Ok(prepared) => prepared,
            Err(error) => {
                wrong.push(format!("{text}\n  the server: {error}"));
                continue;
            }
        };
        // It refuses a marker in a literal, too.
        let is_error = |it: &Finding| matches!(it.lint(), None | Some(Lint::MarkerInLiteral));
        let errors = findings(text, &schema).into_iter().filter(is_error);
        wrong.extend(errors.map(|error| format!("{text}\n{}", error.show(text))));
        let statement = parse(text).unwrap();
        let Some(ours) = Signature::of(&statement, &schema, Some("shop")) else { continue };
        let slot = |it: &ColumnSpec<'_>| (it.name().to_owned(), typed(it.typ()));
        let markers = prepared.get_variable_col_specs();
        let (markers, marker_kinds): (Vec<_>, Vec<_>) = markers.iter().map(slot).unzip();
        let columns = prepared.get_current_result_set_col_specs();
        let columns: Vec<_> = columns.get().iter().map(slot).collect();
        let (columns, column_kinds): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let of_ours = ours.marker_kinds.iter().chain(&ours.column_kinds);
        for (kind, theirs) in of_ours.zip(marker_kinds.iter().chain(&column_kinds)) {
            let Some(kind) = kind.as_ref().map(|kind| kind.without_frozen().to_string()) else {
                untold += 1;
                continue;
            };
            kinds += 1;
            if kind != *theirs {
                wrong.push(format!("{text}\n  the type is {theirs}, not {kind}"));
            }
        }
        if (&ours.markers, &ours.columns) != (&markers, &columns) {
            wrong.push(format!("{text}\n  ours:   {ours:?}\n  theirs: {markers:?} {columns:?}"));
        }
        compared += 1;
    }
    println!("{} statements, {compared} signatures compared", RIGHT.lines().count());
    println!("{kinds} types compared, {untold} not known");
    assert!(kinds > 10 * untold);
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(RIGHT.lines().count() >= 400);
}

#[tokio::test]
async fn what_a_server_refuses_is_an_error_that_names_the_same() {
    let (_cluster, session) = shop().await;
    let driver = session.driver().unwrap();
    let schema = Schema::from_script(SCHEMA).unwrap();
    let (mut missed, mut unfit) = (Vec::new(), Vec::new());
    for line in WRONG.lines() {
        let (named, text) = line.split_once('\t').unwrap();
        match driver.prepare(text).await {
            Ok(_) => unfit.push(format!("{text}\n  the server prepares it")),
            Err(error) => {
                let error = error.to_string();
                if !error.contains(named) {
                    unfit.push(format!("{text}\n  the server does not name {named}: {error}"));
                }
            }
        }
        let errors = findings(text, &schema);
        let shown: Vec<_> = errors.iter().map(|error| error.show(text).to_string()).collect();
        if !shown.iter().any(|error| error.contains(named)) {
            missed.push(format!("{text}\n  {named}: {}", shown.join("\n")));
        }
    }
    let (all, missed_count) = (WRONG.lines().count(), missed.len());
    println!("{} of {all} are told with the same name", all - missed_count);
    assert!(unfit.is_empty(), "{} are no test:\n{}", unfit.len(), unfit.join("\n"));
    assert!(missed.is_empty(), "{missed_count} are missed:\n{}", missed.join("\n"));
    assert!(all >= 150);
}

/// The macro checks a text in one dialect, and what the session does with it is read in all of them.
#[test]
fn the_facts_of_a_text_are_the_same_in_each_dialect_that_reads_it() {
    let mut compared = 0;
    for text in corpus::statements().unwrap() {
        let Ok(any) = Dialect::Any.parse(&text) else { continue };
        let any = Facts::of(&any);
        for dialect in [Dialect::Cassandra5, Dialect::ScyllaDb, Dialect::NextCassandra] {
            if let Ok(statement) = dialect.parse(&text) {
                assert_eq!(Facts::of(&statement), any, "{dialect:?}: {text}");
                compared += 1;
            }
        }
    }
    println!("{compared} compared");
    assert!(compared > 20_000);
}
