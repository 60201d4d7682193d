//! What the schema says of nulls, beside the nulls that a server sends.

use cqlstack_core::scylla::client::session::Session as Driver;
use cqlstack_core::scylla::frame::response::result::CollectionType;
use cqlstack_core::value::{
    Counter, CqlDate, CqlDecimal, CqlDuration, CqlTime, CqlTimestamp, CqlTimeuuid, CqlVarint,
};
use cqlstack_core::{ColumnType, CqlValue, NativeType};
use cqlstack_syntax::check::{Nullability, Signature};
use cqlstack_syntax::{Column, ColumnRole, DataType, Keyword, Schema, Statement, parse, quoted};

use crate::checked::{RIGHT, SCHEMA, shop};

/// A value that each marker and each key has, so that statements find rows.
fn value(kind: &ColumnType<'_>) -> CqlValue {
    match kind {
        ColumnType::Native(native) => native_value(native),
        ColumnType::Collection { typ: CollectionType::List(of), .. } => {
            CqlValue::List(vec![value(of)])
        }
        ColumnType::Collection { typ: CollectionType::Set(of), .. } => {
            CqlValue::Set(vec![value(of)])
        }
        ColumnType::Collection { typ: CollectionType::Map(key, of), .. } => {
            CqlValue::Map(vec![(value(key), value(of))])
        }
        ColumnType::Vector { typ, dimensions } => {
            CqlValue::Vector(vec![value(typ); usize::from(*dimensions)])
        }
        ColumnType::Tuple(of) => CqlValue::Tuple(of.iter().map(|of| Some(value(of))).collect()),
        ColumnType::UserDefinedType { definition, .. } => CqlValue::UserDefinedType {
            keyspace: definition.keyspace.to_string(),
            name: definition.name.to_string(),
            fields: definition
                .field_types
                .iter()
                .map(|(name, kind)| (name.to_string(), Some(value(kind))))
                .collect(),
        },
        other => panic!("{other:?}"),
    }
}

fn native_value(native: &NativeType) -> CqlValue {
    let uuid = uuid::Uuid::from_u128(0x1fc8_d9a0_cdcf_11f0_8000_0000_0000_0000);
    match native {
        NativeType::Ascii | NativeType::Text => CqlValue::Text("1".to_owned()),
        NativeType::BigInt => CqlValue::BigInt(1),
        NativeType::Blob => CqlValue::Blob(vec![0, 0, 0, 1]),
        NativeType::Boolean => CqlValue::Boolean(true),
        NativeType::Counter => CqlValue::Counter(Counter(1)),
        NativeType::Date => CqlValue::Date(CqlDate(1 << 31)),
        NativeType::Decimal => {
            CqlValue::Decimal(CqlDecimal::from_signed_be_bytes_slice_and_exponent(&[1], 0))
        }
        NativeType::Double => CqlValue::Double(1.0),
        NativeType::Duration => {
            CqlValue::Duration(CqlDuration { months: 0, days: 1, nanoseconds: 0 })
        }
        NativeType::Float => CqlValue::Float(1.0),
        NativeType::Inet => CqlValue::Inet([127, 0, 0, 1].into()),
        NativeType::Int => CqlValue::Int(1),
        NativeType::SmallInt => CqlValue::SmallInt(1),
        NativeType::Time => CqlValue::Time(CqlTime(1)),
        NativeType::Timestamp => CqlValue::Timestamp(CqlTimestamp(1)),
        NativeType::Timeuuid => CqlValue::Timeuuid(CqlTimeuuid::from(uuid)),
        NativeType::TinyInt => CqlValue::TinyInt(1),
        NativeType::Uuid => CqlValue::Uuid(uuid),
        NativeType::Varint => CqlValue::Varint(CqlVarint::from_signed_bytes_be_slice(&[1])),
        other => panic!("{other:?}"),
    }
}

async fn execute(driver: &Driver, text: &str) -> Result<Vec<Vec<Option<CqlValue>>>, String> {
    let prepared = driver.prepare(text).await.map_err(|error| error.to_string())?;
    let values: Vec<CqlValue> =
        prepared.get_variable_col_specs().iter().map(|spec| value(spec.typ())).collect();
    let rows =
        driver.execute_unpaged(&prepared, values).await.map_err(|error| error.to_string())?;
    let Ok(rows) = rows.into_rows_result() else { return Ok(Vec::new()) };
    let rows =
        rows.rows::<cqlstack_core::scylla::value::Row>().map_err(|error| error.to_string())?;
    rows.map(|row| row.map(|row| row.columns).map_err(|error| error.to_string())).collect()
}

/// A row of each table that has as many nulls as can be: its key, and one counter where it has some. Of tables with
/// static columns only the partition, if `is_partition`.
async fn fill(driver: &Driver, schema: &Schema, is_partition: bool) {
    for (keyspace, within) in schema.keyspaces() {
        for (name, table) in &within.tables {
            if table.view_of.is_some() {
                continue;
            }
            let is_static = |column: &&Column| column.role == ColumnRole::Static;
            let of_partition = is_partition.then(|| table.columns.iter().find(is_static)).flatten();
            let is_written = |column: &&Column| match column.role {
                ColumnRole::Clustering { .. } => of_partition.is_none(),
                role => role.is_key() || of_partition.is_some_and(|it| it.name == column.name),
            };
            let written: Vec<_> =
                table.columns.iter().filter(is_written).map(|it| quoted(&it.name)).collect();
            let is_counter = |column: &&Column| column.kind == DataType::Native(Keyword::Counter);
            let table_name = format!("{keyspace}.{}", quoted(name));
            let text = if let Some(counter) = table.columns.iter().find(is_counter) {
                let (counter, key) = (quoted(&counter.name), written.join(" = ? AND "));
                format!("UPDATE {table_name} SET {counter} = {counter} + ? WHERE {key} = ?")
            } else {
                let markers = vec!["?"; written.len()].join(", ");
                format!("INSERT INTO {table_name} ({}) VALUES ({markers})", written.join(", "))
            };
            // Of compact storage, a row needs its value.
            if let Err(error) = execute(driver, &text).await {
                assert!(table.is_compact, "{text}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn no_column_comes_null_that_the_schema_says_is_never_null() {
    let (_cluster, session) = shop().await;
    let driver = session.driver().unwrap();
    let schema = Schema::from_script(SCHEMA).unwrap();
    let (mut wrong, mut with_rows) = (Vec::new(), std::collections::HashSet::new());
    let (mut nulls, mut never) = (0, 0);
    for stage in ["empty", "partitions", "rows"] {
        match stage {
            "empty" => {}
            stage => fill(&driver, &schema, stage == "partitions").await,
        }
        for text in RIGHT.lines() {
            let statement = parse(text).unwrap();
            let Statement::Select(select) = &statement else { continue };
            let Some(signature) = Signature::of(&statement, &schema, Some("shop")) else {
                continue;
            };
            assert_eq!(signature.columns.len(), signature.nullability.len(), "{text}");
            // What the values make impossible, such as a division, is not asked for here.
            let Ok(rows) = execute(&driver, text).await else { continue };
            for row in &rows {
                with_rows.insert(text);
                for ((value, nullability), name) in
                    row.iter().zip(&signature.nullability).zip(&signature.columns)
                {
                    nulls += usize::from(value.is_none());
                    never += usize::from(*nullability == Nullability::Never);
                    if value.is_none() && *nullability == Nullability::Never {
                        wrong.push(format!("{stage}: {name} is null: {text}"));
                    }
                }
            }
            assert!(!select.json || rows.iter().flatten().all(Option::is_some), "{text}");
        }
    }
    println!(
        "{} statements gave rows: {nulls} nulls, {never} values that are never null",
        with_rows.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(with_rows.len() > 200 && nulls > 500 && never > 300, "{}", with_rows.len());
}
