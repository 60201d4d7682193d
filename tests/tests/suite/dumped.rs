//! The schema of a real cluster, read from scripts: what makes it, and what `DESCRIBE` says of it.

use std::collections::{BTreeMap, BTreeSet};

use cqlstack_core::{Client, Session, Statement};
use cqlstack_syntax::schema::{Keyspace, Property};
use cqlstack_syntax::{ColumnRole, IndexPart, Schema, script};
use futures::TryStreamExt;

use crate::support;

/// Every type, key, index, and what else a schema can have.
const SCRIPT: &str = r#"
CREATE KEYSPACE yard WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
USE yard;
CREATE TYPE phone (country int, number varchar);
CREATE TYPE "Address" (street text, "Zip code" int, phones frozen<set<phone>>, tags frozen<map<text, text>>);
CREATE TABLE natives (
    a ascii, b bigint, c blob, d boolean, e date, f decimal, g double, h duration, i float, j inet, k int,
    l smallint, m text, n time, o timestamp, p timeuuid, q tinyint, r uuid, s varchar, t varint,
    PRIMARY KEY ((a, b), c, d)
) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND comment = 'Mark''s; -- it';
CREATE TABLE "Collections" (
    k int PRIMARY KEY, l list<int>, s set<varchar>, m map<text, frozen<list<int>>>, v vector<float, 3>,
    fl frozen<list<list<int>>>, fm frozen<map<text, set<frozen<map<int, tuple<int, list<text>>>>>>>,
    t tuple<int, varchar, list<set<int>>>, ft frozen<tuple<int>>, tv tuple<vector<int, 2>, "Address">,
    vl vector<list<int>, 2>, vt vector<tuple<int, text>, 2>, vv vector<vector<float, 2>, 2>,
    lt list<tuple<int, set<int>>>, lv list<vector<int, 4>>, fvl frozen<vector<list<int>, 2>>,
    lvl list<vector<list<int>, 2>>, vfl vector<frozen<list<int>>, 2>, vu vector<phone, 2>,
    tvl tuple<vector<list<int>, 2>>, vvl vector<vector<set<int>, 2>, 2>, vlu vector<list<frozen<phone>>, 3>
);
CREATE TABLE typed (
    id uuid, at timestamp, home "Address", work frozen<"Address">, all list<frozen<"Address">>,
    by_name map<text, frozen<phone>>, note text STATIC, custom 'Int32Type',
    other 'org.apache.cassandra.db.marshal.UTF8Type', PRIMARY KEY (id, at)
);
CREATE TABLE counts (k text, c int, n counter, m counter, PRIMARY KEY (k, c));
CREATE TABLE masked (k int PRIMARY KEY, a text MASKED WITH DEFAULT, b text MASKED WITH mask_inner(1, null));
CREATE INDEX ON natives (e);
CREATE INDEX IF NOT EXISTS natives_e_idx ON natives (f);
CREATE INDEX IF NOT EXISTS ON natives (e);
CREATE INDEX ON "Collections" (l);
CREATE INDEX ON "Collections" (KEYS(m));
CREATE INDEX by_entry ON "Collections" (ENTRIES(m));
CREATE INDEX whole ON "Collections" (FULL(fl));
CREATE INDEX near ON "Collections" (v) USING 'sai' WITH OPTIONS = {'similarity_function': 'cosine'};
CREATE CUSTOM INDEX "Note" ON natives (s) USING 'StorageAttachedIndex' WITH OPTIONS = {'case_sensitive': 'false'};
CREATE CUSTOM INDEX ON natives (g) USING 'sai';
CREATE TABLE plain (k int, c int, v text, n int, PRIMARY KEY (k, c));
CREATE MATERIALIZED VIEW by_c AS SELECT * FROM plain WHERE k IS NOT NULL AND c IS NOT NULL
    PRIMARY KEY (c, k) WITH CLUSTERING ORDER BY (k DESC);
CREATE MATERIALIZED VIEW by_n AS SELECT k, c, n, v FROM plain
    WHERE k IS NOT NULL AND c IS NOT NULL AND n IS NOT NULL PRIMARY KEY ((n, c), k);
CREATE FUNCTION add_up (state bigint, value int) CALLED ON NULL INPUT RETURNS bigint LANGUAGE java
    AS $$ return state + (value == null ? 0 : value); $$;
CREATE FUNCTION shown (state bigint) RETURNS NULL ON NULL INPUT RETURNS text LANGUAGE java
    AS 'return "it is " + state;';
CREATE AGGREGATE total (int) SFUNC add_up STYPE bigint FINALFUNC shown INITCOND 0;
CREATE AGGREGATE sum_up (int) SFUNC add_up STYPE bigint INITCOND 0;
ALTER TABLE counts ADD o counter;
ALTER TABLE typed ADD (more text, "Static" int STATIC);
ALTER TABLE natives DROP t;
ALTER TABLE plain ADD w int;
ALTER TABLE plain RENAME c TO "C";
ALTER TABLE natives RENAME a TO "A";
ALTER TABLE masked ALTER a DROP MASKED;
ALTER TABLE counts WITH gc_grace_seconds = 99 AND comment = 'x';
ALTER TYPE phone ADD extension int;
ALTER TYPE "Address" RENAME street TO "Street";
CREATE TABLE gone (k int PRIMARY KEY, v text);
CREATE INDEX ON gone (v);
DROP INDEX gone_v_idx;
DROP TABLE gone;
CREATE TABLE IF NOT EXISTS counts (other int PRIMARY KEY);
INSERT INTO natives ("A", b, c, d) VALUES ('a', 1, 0x01, true);
"#;

/// Keyspace, table, column, what it is for, its position, its order, its type.
type Row = (String, String, String, String, i32, String, String);

/// Keyspace, table, index, what kind it is, its options.
type IndexRow = (String, String, String, String, BTreeMap<String, String>);

fn columns(schema: &Schema) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for (keyspace, of) in schema.keyspaces() {
        for (name, table) in &of.tables {
            for column in &table.columns {
                let (role, position, order) = match column.role {
                    ColumnRole::PartitionKey { position } => ("partition_key", position, "none"),
                    ColumnRole::Clustering { position, descending } => {
                        ("clustering", position, if descending { "desc" } else { "asc" })
                    }
                    ColumnRole::Static => ("static", usize::MAX, "none"),
                    ColumnRole::Regular => ("regular", usize::MAX, "none"),
                    other => panic!("{other:?}"),
                };
                let position = i32::try_from(position).unwrap_or(-1);
                let [role, order] = [role, order].map(str::to_owned);
                let (kind, column) = (column.kind.to_string(), column.name.clone());
                rows.insert((
                    keyspace.to_owned(),
                    name.clone(),
                    column,
                    role,
                    position,
                    order,
                    kind,
                ));
            }
        }
    }
    rows
}

async fn rows<R>(db: &Client<Session>, text: &str) -> Vec<R>
where
    R: for<'r> cqlstack_core::scylla::deserialize::row::DeserializeRow<'r, 'r> + Send + 'static,
{
    db.rows::<R>(&Statement::new(text.to_owned())).try_collect().await.unwrap()
}

/// Compares a model with what the server has of its keyspaces; how many columns that were.
async fn compare(db: &Client<Session>, schema: &Schema) -> usize {
    let ours: BTreeSet<Row> = columns(schema);
    let theirs: Vec<Row> = rows(
        db,
        "SELECT keyspace_name, table_name, column_name, kind, position, clustering_order, type FROM \
         system_schema.columns",
    )
    .await;
    let known = |keyspace: &str| schema.keyspace(keyspace).is_some();
    let theirs: BTreeSet<Row> = theirs.into_iter().filter(|row| known(&row.0)).collect();
    let missing: Vec<_> = theirs.difference(&ours).collect();
    let others: Vec<_> = ours.difference(&theirs).collect();
    assert!(missing.is_empty() && others.is_empty(), "server: {missing:#?}\nours: {others:#?}");

    let fields: Vec<(String, String, Vec<String>, Vec<String>)> = rows(
        db,
        "SELECT keyspace_name, type_name, field_names, field_types FROM system_schema.types",
    )
    .await;
    let of = |counted: fn(&Keyspace) -> usize| -> usize {
        schema.keyspaces().map(|(_, keyspace)| counted(keyspace)).sum()
    };
    let fields: Vec<_> = fields.into_iter().filter(|row| known(&row.0)).collect();
    assert_eq!(of(|keyspace| keyspace.types.len()), fields.len());
    for (keyspace, name, names, kinds) in fields {
        let ours = &schema.keyspace(&keyspace).unwrap().types[&name];
        let ours: Vec<_> =
            ours.iter().map(|(name, kind)| (name.clone(), kind.to_string())).collect();
        assert_eq!(ours, names.into_iter().zip(kinds).collect::<Vec<_>>(), "{keyspace}.{name}");
    }

    let indexes: Vec<IndexRow> = rows(
        db,
        "SELECT keyspace_name, table_name, index_name, kind, options FROM system_schema.indexes",
    )
    .await;
    let indexes: Vec<_> = indexes.into_iter().filter(|row| known(&row.0)).collect();
    assert_eq!(of(|keyspace| keyspace.indexes.len()), indexes.len());
    for (keyspace, table, name, kind, options) in indexes {
        let index = schema.keyspace(&keyspace).unwrap().indexes.get(&name);
        let index = index.unwrap_or_else(|| panic!("{keyspace}.{name} is missing"));
        assert_eq!(index.table, table);
        assert_eq!(index.class.is_some(), kind == "CUSTOM", "{name}: {index:?}");
        assert_eq!(options.get("class_name"), index.class.as_ref(), "{name}");
        // One of Cassandra's own is of no column.
        let [(part, column)] = &index.targets[..] else { continue };
        let target = match part {
            IndexPart::Column => column.clone(),
            IndexPart::Values => format!("values({column})"),
            IndexPart::Keys => format!("keys({column})"),
            IndexPart::Entries => format!("entries({column})"),
            IndexPart::Full => format!("full({column})"),
            other => panic!("{other:?}"),
        };
        assert_eq!(options["target"], target, "{name}");
        for (option, value) in &index.options {
            assert_eq!(options.get(option), Some(value), "{name}");
        }
    }
    let views: Vec<(String, String, String)> =
        rows(db, "SELECT keyspace_name, view_name, base_table_name FROM system_schema.views").await;
    for (keyspace, name, base) in views.into_iter().filter(|row| known(&row.0)) {
        assert_eq!(schema.table(&keyspace, &name).unwrap().view_of.as_ref(), Some(&base));
    }
    for (what, column) in [("functions", "function_name"), ("aggregates", "aggregate_name")] {
        let all: Vec<(String, String, Vec<String>, String)> = rows(
            db,
            &format!(
                "SELECT keyspace_name, {column}, argument_types, return_type FROM system_schema.{what}"
            ),
        )
        .await;
        let all: Vec<_> = all.into_iter().filter(|row| known(&row.0)).collect();
        let counted: fn(&Keyspace) -> usize =
            if what == "functions" { |it| it.functions.len() } else { |it| it.aggregates.len() };
        assert_eq!(of(counted), all.len());
        for (keyspace, name, kinds, returns) in all {
            let of = schema.keyspace(&keyspace).unwrap();
            let all = if what == "functions" { &of.functions } else { &of.aggregates };
            let ours = all.iter().find(|function| function.name == name).unwrap();
            let arguments: Vec<_> = ours.arguments.iter().map(ToString::to_string).collect();
            assert_eq!(arguments, kinds, "{name}");
            assert_eq!(ours.returns.as_ref().map(ToString::to_string), Some(returns), "{name}");
        }
    }
    theirs.len()
}

#[tokio::test]
async fn what_a_script_makes_and_what_describe_says_is_what_the_server_has() {
    let cluster = support::with_every_feature().await;
    let session = Session::builder().contact_points(cluster.contact_points()).build();
    let db = Client::new(session.await.unwrap());
    let statements = script(SCRIPT).unwrap();
    for scripted in &statements {
        // As it is written anew, in the keyspace that is in use.
        let text = scripted.statement.to_string();
        cluster.run(text.clone()).await.unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    let schema = Schema::from_script(SCRIPT).unwrap();
    let columns = compare(&db, &schema).await;
    println!(
        "{} statements make {columns} columns, and all are as the server has them",
        statements.len()
    );
    let counts = schema.table("yard", "counts").unwrap();
    assert_eq!(counts.properties["gc_grace_seconds"], Property::Text("99".into()));
    let masked = &schema.table("yard", "masked").unwrap().columns;
    assert!(masked.iter().map(|column| column.is_masked).eq([false, false, true]));

    for (what, least) in [("KEYSPACE yard", 70), ("FULL SCHEMA", 300)] {
        let text = format!("DESCRIBE {what}");
        let dumped: Vec<(String, String, String, String)> = rows(&db, &text).await;
        let dumped: Vec<_> = dumped.into_iter().map(|(.., statement)| statement).collect();
        let schema = Schema::from_script(&dumped.join("\n"));
        let schema = schema.unwrap_or_else(|error| panic!("{error}\n{}", dumped.join("\n")));
        let columns = compare(&db, &schema).await;
        println!("{text}: {} statements, {columns} columns", dumped.len());
        assert!(columns > least);
    }
}
