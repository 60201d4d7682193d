//! What the tree holds.

use cqlstack_syntax::{
    BatchKind, Change, Comparand, Condition, Created, InsertRow, JsonDefault, Keyword, LiteralKind,
    Operand, Operator, Permissions, PropertyValue, Resource, RoleOption, Roles, Selection,
    Statement, Step, TableOption, TermKind, TypeKind, parse, parse_type,
};

fn read(text: &str) -> Statement<'_> {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

macro_rules! read_as {
    ($kind:ident, $text:expr) => {
        match read($text) {
            Statement::$kind(statement) => statement,
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn a_select_with_everything() {
    let text = "SELECT JSON DISTINCT a AS b, count(*), ttl(c.d[1]), CAST(e AS text), f[1..], ks.g(h, ?) \
                FROM ks.t WHERE k = 1 AND (((c IN ?))) GROUP BY k, c ORDER BY v ANN OF [1, 2] DESC, w \
                PER PARTITION LIMIT 3 LIMIT :n ALLOW FILTERING;";
    let select = read_as!(Select, text);
    assert!(select.json && select.distinct && select.allow_filtering);
    let Selection::Selectors(selectors) = &select.selection else { panic!("{select:?}") };
    assert_eq!(selectors.len(), 6);
    assert_eq!(selectors[0].alias.map(|alias| alias.resolved()).as_deref(), Some("b"));
    assert_eq!(selectors[1].term.kind, TermKind::CountRows);
    let TermKind::Path(_, steps) = &selectors[4].term.kind else { panic!("{selectors:?}") };
    assert!(matches!(steps[..], [Step::Slice(Some(_), None)]));
    assert_eq!(selectors[5].term.span.of(text), "ks.g(h, ?)");
    assert_eq!(select.from.to_string(), "ks.t");
    assert_eq!(select.relations[1].operator, Operator::In);
    assert_eq!(select.relations[1].span.of(text), "c IN ?");
    assert_eq!((select.group_by.len(), select.order_by.len()), (2, 2));
    assert!(select.order_by[0].descending && select.order_by[0].near.is_some());
    assert!(select.limit.is_some() && select.per_partition_limit.is_some());
}

/// The grammar keeps few of its words for itself.
#[test]
fn words_of_the_grammar_are_names_where_they_fit() {
    for text in [
        "SELECT ann FROM ann ORDER BY ann ANN OF ? LIMIT 5",
        "SELECT json, distinct, key, ttl, count, as, values FROM tables WHERE contains CONTAINS KEY 1",
        "SELECT distinct FROM t",
        "SELECT distinct AS a FROM t",
        "SELECT as AS as FROM t",
        "SELECT (a) AS b FROM t",
        "SELECT json AS a FROM t",
        "UPDATE t SET exists = 1 WHERE key = 1 IF exists = 1",
        "INSERT INTO json JSON ?",
        "UPDATE ttl USING TTL 1 SET timestamp = 1 WHERE key = 1",
    ] {
        read(text);
    }
    assert!(!read_as!(Select, "SELECT distinct, a FROM t").distinct);
    assert!(read_as!(Select, "SELECT distinct (a) FROM t").distinct);
}

#[test]
fn a_type_in_parentheses_is_a_hint_if_a_value_follows() {
    let term = |text| match read_as!(Select, text).selection {
        Selection::Selectors(mut selectors) => selectors.remove(0).term.kind,
        _ => panic!("{text}"),
    };
    assert!(matches!(term("SELECT (int) a FROM t"), TermKind::Hint(..)));
    assert!(matches!(term("SELECT (a) b FROM t"), TermKind::Hint(..)));
    assert!(matches!(term("SELECT (a)[0] FROM t"), TermKind::Hint(..)));
    assert!(matches!(term("SELECT (a)[0..1] FROM t"), TermKind::Path(..)));
    assert!(matches!(term("SELECT (a).b FROM t"), TermKind::Path(..)));
    assert!(matches!(term("SELECT (a) - b FROM t"), TermKind::Arithmetic(..)));
    assert!(matches!(term("SELECT (a, b) FROM t"), TermKind::Tuple(..)));
}

#[test]
fn a_point_behind_a_number_is_not_written_as_a_part_of_it() {
    for term in
        ["(int) 2 .b", "(int) -2 .b.c", "(int) (text) 2 .b", "2 .b[0]", "(int) 0x2f .b", "(a).b"]
    {
        let text = format!("SELECT {term} FROM t");
        let written = read(&text).to_string();
        assert_eq!(parse(&written).as_ref(), Ok(&read(&text)), "{written}");
    }
}

#[test]
fn an_insert_has_its_columns_and_values_or_json() {
    let text = "INSERT INTO ks.\"T\" (a, \"B\") VALUES ({x: 1, y: [(1, 'a')]}, {1h: NaN}) IF NOT EXISTS \
                USING TTL ? AND TIMESTAMP 5";
    let insert = read_as!(Insert, text);
    let InsertRow::Values { columns, values } = insert.row else { panic!("{insert:?}") };
    assert_eq!(columns[1].resolved(), "B");
    assert!(matches!(values[0].kind, TermKind::UserType(_)));
    assert!(matches!(values[1].kind, TermKind::Map(_)));
    assert!(insert.if_not_exists);
    assert_eq!(insert.using.len(), 2);
    let insert = read_as!(Insert, "INSERT INTO t JSON $${\"a\": ';'}$$ DEFAULT UNSET");
    assert!(matches!(insert.row, InsertRow::Json { default: JsonDefault::Unset, .. }));
}

#[test]
fn an_update_tells_how_each_column_changes() {
    let text = "UPDATE t SET a = 1, b = b + {1}, c = c -1, d = [1] + 2 + d, e -= ?, f[1] = 2, g.h = 3 \
                WHERE k = 1 IF a IN (1, 2) AND f[?] >= 2 AND g.h != null";
    let update = read_as!(Update, text);
    let changes: Vec<&str> = update
        .assignments
        .iter()
        .map(|assignment| match assignment.change {
            Change::Set(_) => "set",
            Change::Add(_) => "add",
            Change::Subtract(_) => "subtract",
            Change::Prepend(_) => "prepend",
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(changes, ["set", "add", "add", "prepend", "subtract", "set", "set"]);
    let Change::Add(term) = &update.assignments[2].change else { panic!("{update:?}") };
    assert_eq!(term.span.of(text), "-1");
    let Condition::If(conditions) = &update.condition else { panic!("{update:?}") };
    assert!(matches!(conditions[1].left, Operand::Element(..)));
    assert!(matches!(conditions[2].left, Operand::Field(..)));
}

#[test]
fn a_column_is_set_once_or_changed_in_parts() {
    for text in [
        "UPDATE t SET a = a + 1, a = a + 2 WHERE k = 1",
        "UPDATE t SET a[1] = 1, a[1] = 2, a += {1} WHERE k = 1",
        "UPDATE t SET a.b = 1, a.c = 2 WHERE k = 1",
    ] {
        read(text);
    }
    for text in [
        "UPDATE t SET a = 1, a = 1 WHERE k = 1",
        "UPDATE t SET a = 1, \"a\" += 1 WHERE k = 1",
        "UPDATE t SET a.b = 1, a = 1 WHERE k = 1",
        "UPDATE t SET a.b = 1, A.B = 2 WHERE k = 1",
        "UPDATE t SET a[1] = 1, a = {} WHERE k = 1",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn relations_take_tuples_tokens_and_markers() {
    let text = "SELECT * FROM t WHERE (a, b) IN ((1, 2), (3, ?)) AND TOKEN(k, l) > TOKEN(?, 1) AND \
                (c) = :c AND d LIKE '%x' AND e IS NOT NULL AND f[1] = 2 AND (g, h) IN (?, :x) AND \
                \"\" CONTAINS KEY 1 AND expr(i, 'x') AND j IN ()";
    let select = read_as!(Select, text);
    let operators: Vec<_> = select.relations.iter().map(|relation| relation.operator).collect();
    let expected = [
        Operator::In,
        Operator::Greater,
        Operator::Equal,
        Operator::Like,
        Operator::IsNotNull,
        Operator::Equal,
        Operator::In,
        Operator::ContainsKey,
        Operator::Expression,
        Operator::In,
    ];
    assert_eq!(operators, expected);
    assert!(matches!(&select.relations[6].right, Comparand::Terms(terms) if terms.len() == 2));
    assert!(parse("SELECT a FROM t WHERE (a, b) IN (?, (1, 2))").is_err());
    assert!(parse("SELECT a FROM t WHERE k NOT IN (1)").is_err());
}

#[test]
fn every_literal_is_told_apart() {
    let text = "INSERT INTO t (a) VALUES ((-1, 1.5, 'it''s', $$x$$, true, 1h, 0xff, \
                123e4567-e89b-12d3-a456-426614174000, -Infinity))";
    let kinds: Vec<_> = read(text).literals().iter().map(|it| it.literal.kind).collect();
    let expected = [
        LiteralKind::Integer,
        LiteralKind::Float,
        LiteralKind::String,
        LiteralKind::String,
        LiteralKind::Boolean,
        LiteralKind::Duration,
        LiteralKind::Blob,
        LiteralKind::Uuid,
        LiteralKind::Float,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_batch_has_its_statements() {
    let text = "BEGIN UNLOGGED BATCH USING TIMESTAMP 5 INSERT INTO a (k) VALUES ('x;y') \
                UPDATE b SET v = $$ ; $$ WHERE k = 1; DELETE FROM a WHERE k = 2; APPLY BATCH;";
    let batch = read_as!(Batch, text);
    assert_eq!(
        (batch.kind, batch.statements.len(), batch.using.len()),
        (BatchKind::Unlogged, 3, 1)
    );
    assert!(read_as!(Batch, "BEGIN BATCH APPLY BATCH").statements.is_empty());
    assert!(parse("BEGIN BATCH INSERT INTO t (k) VALUES (1);; APPLY BATCH").is_err());
}

#[test]
fn names_fold_unless_they_are_quoted() {
    let names = |text| {
        let Statement::Use(use_) = read(text) else { panic!("{text}") };
        (use_.keyspace.resolved().into_owned(), use_.keyspace.to_string())
    };
    assert_eq!(names("USE Yard"), ("yard".into(), "yard".into()));
    assert_eq!(names("USE \"Yard\";"), ("Yard".into(), "\"Yard\"".into()));
    assert_eq!(names("USE \"yard\""), ("yard".into(), "yard".into()));
    assert_eq!(names("USE \"a\"\"b\""), ("a\"b".into(), "\"a\"\"b\"".into()));
}

#[test]
fn a_table_with_everything() {
    let create = read_as!(
        Create,
        "CREATE TABLE IF NOT EXISTS ks.t (a int, b frozen<map<text, ks.u>>, c vector<float, 3> STATIC MASKED \
         WITH mask_inner(1, null), PRIMARY KEY ((a, b), \"D\"),) WITH CLUSTERING ORDER BY (d DESC) AND comment \
         = 'Mark''s; --' AND compaction = {'class': 'x', 'n': 4} AND speculative_retry = all"
    );
    assert!(create.if_not_exists);
    let Created::Table(table) = create.object else { panic!() };
    assert_eq!(table.name.to_string(), "ks.t");
    let [a, b, c] = &table.columns[..] else { panic!("{table:?}") };
    assert_eq!(a.kind.kind, TypeKind::Native(Keyword::Int));
    let TypeKind::Frozen(map) = &b.kind.kind else { panic!("{b:?}") };
    assert!(matches!(&map.kind, TypeKind::Map(_, to) if matches!(to.kind, TypeKind::User(_))));
    assert!(matches!(c.kind.kind, TypeKind::Vector(_, 3)) && c.is_static && c.mask.is_some());
    let key = table.key.as_ref().unwrap();
    assert_eq!((key.partition.len(), key.clustering.len()), (2, 1));
    let [TableOption::ClusteringOrder(order), TableOption::Property(comment), _, _] =
        &table.options[..]
    else {
        panic!("{table:?}")
    };
    assert!(order[0].1);
    assert!(matches!(&comment.value, PropertyValue::Literal(it) if it.text() == "Mark's; --"));
}

/// As `system_schema.columns` has them, names with capital letters and of native types included.
#[test]
fn a_type_is_read_by_itself() {
    let named = |text: &str| match parse_type(text).unwrap().kind {
        TypeKind::User(name) => name.name.resolved().into_owned(),
        kind => panic!("{text}: {kind:?}"),
    };
    assert_eq!((named("address"), named("\"Address\"")), ("address".into(), "Address".into()));
    assert_eq!(named("\"order\""), "order");
    assert_eq!(parse_type("int").unwrap().kind, TypeKind::Native(Keyword::Int));
    let vector = parse_type("vector<frozen<tuple<int, \"A\">>, 3>").unwrap().kind;
    assert!(matches!(vector, TypeKind::Vector(_, 3)));
    let custom = parse_type("'org.apache.cassandra.db.marshal.LexicalUUIDType'").unwrap().kind;
    assert!(matches!(custom, TypeKind::Custom(class) if class.text().ends_with("UUIDType")));
    // A type of users that is called `int`, which the server writes without quotes.
    for text in ["frozen<int>", "", "list<int", "int;", "int int", "map<int>", "order"] {
        assert!(parse_type(text).is_err(), "{text}");
    }
}

#[test]
fn roles_have_their_passwords_as_literals() {
    let roles = read_as!(Roles, "CREATE ROLE r WITH PASSWORD = 'it''s' AND LOGIN = true");
    let Roles::CreateRole { options, .. } = roles else { panic!("{roles:?}") };
    assert!(matches!(&options[0], RoleOption::Password(password) if password.text() == "it's"));
    let grant = read_as!(Roles, "GRANT SELECT, MODIFY ON ALL TABLES IN KEYSPACE ks TO 'r'");
    let Roles::Grant(permissions, resource, _) = grant else { panic!("{grant:?}") };
    assert_eq!(permissions, Permissions::Some(vec![Keyword::Select, Keyword::Modify]));
    assert!(matches!(resource, Resource::AllTables(_)));
}

#[test]
fn trees_are_equal_wherever_they_stand() {
    let [one, other] =
        ["SELECT a , (int)1 FROM t WHERE k=1", "select A, (INT) 1 from \"t\" where K = 1;"];
    assert_eq!(read(one), read(other));
    assert_ne!(read(one), read("SELECT a, (int) 1 FROM t WHERE k = 2"));
}
