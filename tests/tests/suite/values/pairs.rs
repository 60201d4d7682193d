//! Each CQL type with each Rust type that holds it, and values of both. Nothing but `cqlstack-core` is named here.
//!
//! Each has a column of its own in the schema of `suite/queries`. `both` is bound and read, and `lent`, which is read of a
//! response that it borrows from; `bind … as` is bound and read as the other type; `read` is only read, `both … or empty`
//! may also be a value of no bytes, which the server takes for this type.

pub(crate) use std::borrow::Cow;
pub(crate) use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
pub(crate) use std::net::IpAddr;
pub(crate) use std::sync::Arc;

pub(crate) use bigdecimal::BigDecimal;
pub(crate) use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
pub(crate) use cqlstack_core::value::{
    Bytes, Counter, CqlDate, CqlDecimal, CqlDecimalBorrowed, CqlDuration, CqlTime, CqlTimestamp,
    CqlTimeuuid, CqlValue, CqlVarint, CqlVarintBorrowed, DeserializeValue, ListlikeIterator,
    MapIterator, SerializeValue, UdtIterator, Uuid, VectorIterator, bigdecimal_04 as bigdecimal,
    chrono_04 as chrono, num_bigint_04 as num_bigint, time_03 as time,
};
pub(crate) use num_bigint::BigInt;
pub(crate) use time::OffsetDateTime;

/// `CREATE TYPE point (x int, y int)`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, SerializeValue, DeserializeValue)]
pub(crate) struct Point {
    pub(crate) x: i32,
    pub(crate) y: Option<i32>,
}

/// `CREATE TYPE shape (name text, …)`
#[derive(Debug, Clone, PartialEq, SerializeValue, DeserializeValue)]
pub(crate) struct Shape {
    #[scylla(rename = "name")]
    pub(crate) label: Option<String>,
    pub(crate) points: Vec<Point>,
    pub(crate) at: (f64, Option<f64>),
    pub(crate) tags: HashMap<String, BTreeSet<i32>>,
}

pub(crate) fn shape() -> Shape {
    Shape {
        label: None,
        points: vec![Point { x: i32::MIN, y: None }, Point { x: 0, y: Some(i32::MAX) }],
        at: (0.5, None),
        tags: HashMap::from([
            ("a".to_owned(), BTreeSet::from([1, 2])),
            (String::new(), BTreeSet::new()),
        ]),
    }
}

pub(crate) fn uuid(text: &str) -> Uuid {
    text.parse().unwrap()
}

/// 2⁸⁰ and one, in bytes.
pub(crate) const LARGE: [u8; 11] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

macro_rules! numbers {
    ($pair:ident, $to:ident) => {
        $pair!($to "v0" both "boolean" or empty, bool, true, false);
        $pair!($to "v1" both "tinyint", i8, i8::MIN, 0, i8::MAX);
        $pair!($to "v2" both "smallint", i16, i16::MIN, 0, i16::MAX);
        $pair!($to "v3" both "int" or empty, i32, i32::MIN, 0, i32::MAX);
        $pair!($to "v4" both "bigint" or empty, i64, i64::MIN, 0, i64::MAX);
        $pair!($to "v5" both "float" or empty, f32, f32::MIN, f32::MIN_POSITIVE, f32::INFINITY, -0.0);
        $pair!($to "v6" both "double" or empty, f64, f64::MIN, f64::MIN_POSITIVE, f64::NEG_INFINITY);
        $pair!($to "v7" both "varint" or empty, CqlVarint, CqlVarint::from_signed_bytes_be_slice(&LARGE));
        $pair!($to "v8" lent "varint", CqlVarintBorrowed<'_>, CqlVarintBorrowed::from_signed_bytes_be_slice(&LARGE));
        $pair!($to "v9" both "varint" or empty, num_bigint::BigInt, BigInt::from(-1), BigInt::from(2).pow(200));
        $pair!($to "v10" both "decimal" or empty, CqlDecimal, CqlDecimal::from_signed_be_bytes_slice_and_exponent(&LARGE, i32::MAX), CqlDecimal::from_signed_be_bytes_slice_and_exponent(&[0], -7));
        $pair!($to "v11" lent "decimal", CqlDecimalBorrowed<'_>, CqlDecimalBorrowed::from_signed_be_bytes_slice_and_exponent(&LARGE, i32::MIN));
        $pair!($to "v12" both "decimal" or empty, bigdecimal::BigDecimal, "-0.000000000000000000000000001".parse::<BigDecimal>().unwrap(), BigDecimal::from(7));
    };
}

macro_rules! texts {
    ($pair:ident, $to:ident) => {
        $pair!($to "v13" both "ascii", String, String::new(), "plain".to_owned());
        $pair!($to "v14" lent "ascii", &str, "", "plain");
        $pair!($to "v15" both "ascii", Box<str>, "plain".into());
        $pair!($to "v16" both "ascii", Arc<str>, "plain".into());
        $pair!($to "v17" bind "ascii", Cow<'_, str> as String, Cow::Borrowed("plain") => "plain");
        $pair!($to "v18" both "text", String, String::new(), "ä€🦀\0".to_owned(), "x".repeat(70_000));
        $pair!($to "v19" lent "text", &str, "", "ä€🦀");
        $pair!($to "v20" both "text", Box<str>, "ä€🦀".into());
        $pair!($to "v21" both "text", Arc<str>, "ä€🦀".into());
        $pair!($to "v22" bind "text", Cow<'_, str> as String, Cow::Borrowed("ä€🦀") => "ä€🦀");
        $pair!($to "v23" both "blob", Vec<u8>, Vec::new(), vec![0, 255], vec![7; 70_000]);
        $pair!($to "v24" lent "blob", &[u8], &[], &[0, 255]);
        $pair!($to "v25" both "blob", Bytes, Bytes::new(), Bytes::from_static(&[0, 255]));
        $pair!($to "v26" bind "blob", [u8; 2] as Vec<u8>, [0, 255] => vec![0, 255]);
        $pair!($to "v27" both "inet" or empty, IpAddr, "127.0.0.1".parse().unwrap(), "ffff::1".parse().unwrap());
        $pair!($to "v28" both "uuid" or empty, Uuid, Uuid::nil(), Uuid::max());
        $pair!($to "v29" both "timeuuid" or empty, CqlTimeuuid, CqlTimeuuid::from(uuid("1fc8d9a0-cdcf-11f0-8000-000000000000")));
    };
}

macro_rules! times {
    ($pair:ident, $to:ident) => {
        $pair!($to "v30" both "date", CqlDate, CqlDate(0), CqlDate(1 << 31), CqlDate(u32::MAX));
        $pair!($to "v31" both "date", chrono::NaiveDate, NaiveDate::MIN, NaiveDate::MAX);
        $pair!($to "v32" both "date", time::Date, time::Date::MIN, time::Date::MAX);
        $pair!($to "v33" both "time", CqlTime, CqlTime(0), CqlTime(86_399_999_999_999));
        $pair!($to "v34" both "time", chrono::NaiveTime, NaiveTime::MIN, NaiveTime::from_hms_nano_opt(23, 59, 59, 999_999_999).unwrap());
        $pair!($to "v35" both "time", time::Time, time::Time::MIDNIGHT, time::Time::MAX);
        $pair!($to "v36" both "timestamp" or empty, CqlTimestamp, CqlTimestamp(i64::MIN), CqlTimestamp(0), CqlTimestamp(i64::MAX));
        $pair!($to "v37" both "timestamp" or empty, chrono::DateTime<Utc>, DateTime::from_timestamp_millis(-1).unwrap(), DateTime::from_timestamp_millis(253_402_300_799_999).unwrap());
        $pair!($to "v38" both "timestamp" or empty, time::OffsetDateTime, OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from_unix_timestamp(-62_135_596_800).unwrap());
        $pair!($to "v39" both "duration", CqlDuration, CqlDuration { months: i32::MIN + 1, days: -1, nanoseconds: i64::MIN + 1 }, CqlDuration { months: i32::MAX, days: 0, nanoseconds: i64::MAX });
    };
}

macro_rules! collections {
    ($pair:ident, $to:ident) => {
        $pair!($to "v40" both "list<int>", Vec<i32>, vec![], vec![1, 1, i32::MAX]);
        $pair!($to "v41" bind "list<int>", &[i32] as Vec<i32>, &[3, 1, 2] => vec![3, 1, 2]);
        $pair!($to "v42" bind "list<int>", HashSet<i32> as Vec<i32>, HashSet::from([7]) => vec![7]);
        $pair!($to "v43" bind "list<int>", BTreeSet<i32> as Vec<i32>, BTreeSet::from([2, 1]) => vec![1, 2]);
        $pair!($to "v44" both "set<text>", HashSet<String>, HashSet::new(), HashSet::from(["a".to_owned(), String::new()]));
        $pair!($to "v45" both "set<text>", BTreeSet<String>, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
        $pair!($to "v46" both "set<text>", Vec<String>, vec!["a".to_owned(), "b".to_owned()]);
        $pair!($to "v47" bind "set<text>", &[&str] as Vec<String>, &["b", "a"] => vec!["a".to_owned(), "b".to_owned()]);
        $pair!($to "v48" both "map<text, bigint>", HashMap<String, i64>, HashMap::new(), HashMap::from([("a".to_owned(), i64::MIN)]));
        $pair!($to "v49" both "map<text, bigint>", BTreeMap<String, i64>, BTreeMap::from([(String::new(), 0), ("a".to_owned(), i64::MAX)]));
        $pair!($to "v50" both "vector<float, 3>", Vec<f32>, vec![0.5, -1.0, f32::MAX]);
        $pair!($to "v51" bind "vector<float, 3>", &[f32] as Vec<f32>, &[0.5, -1.0, 0.0] => vec![0.5, -1.0, 0.0]);
        $pair!($to "v52" both "vector<text, 2>", Vec<String>, vec![String::new(), "ä".repeat(200)]);
        $pair!($to "v53" both "tuple<int, text>", (i32, Option<String>), (i32::MIN, None), (0, Some("a".to_owned())));
        $pair!($to "v54" bind "tuple<int, text>", (i32,) as (i32, Option<String>), (7,) => (7, None));
        $pair!($to "v55" both "list<frozen<map<text, frozen<tuple<int, uuid>>>>>", Vec<HashMap<String, (i32, Uuid)>>, vec![HashMap::new(), HashMap::from([("a".to_owned(), (7, Uuid::max()))])]);
        $pair!($to "v56" both "map<int, frozen<list<frozen<set<blob>>>>>", BTreeMap<i32, Vec<BTreeSet<Vec<u8>>>>, BTreeMap::from([(1, vec![]), (2, vec![BTreeSet::from([vec![], vec![0]]), BTreeSet::new()])]));
        $pair!($to "v57" both "map<text, frozen<vector<float, 2>>>", HashMap<String, Vec<f32>>, HashMap::from([("a".to_owned(), vec![0.5, 1.5])]));
        $pair!($to "v58" both "vector<frozen<list<int>>, 2>", Vec<Vec<i32>>, vec![vec![], vec![1, 2, 3]]);
        $pair!($to "v59" both "frozen<list<int>>", Vec<i32>, vec![], vec![7]);
        $pair!($to "v60" both "frozen<point>", Point, Point { x: i32::MIN, y: None }, Point { x: 0, y: Some(0) });
        $pair!($to "v61" both "shape", Shape, shape());
        $pair!($to "v62" both "map<frozen<point>, frozen<shape>>", BTreeMap<Point, Shape>, BTreeMap::from([(Point { x: 1, y: None }, shape())]));
        $pair!($to "v63" read "list<int>", ListlikeIterator<'_, '_, i32>, vec![3, 1] => |read| read.map(Result::unwrap).eq([3, 1]));
        $pair!($to "v64" read "set<text>", ListlikeIterator<'_, '_, &str>, vec!["b", "a"] => |read| read.map(Result::unwrap).eq(["a", "b"]));
        $pair!($to "v65" read "map<text, bigint>", MapIterator<'_, '_, &str, i64>, BTreeMap::from([("a", 7_i64)]) => |read| read.map(Result::unwrap).eq([("a", 7)]));
        $pair!($to "v66" read "vector<float, 3>", VectorIterator<'_, '_, f32>, vec![0.5_f32, 1.0, 2.0] => |read| read.map(Result::unwrap).eq([0.5, 1.0, 2.0]));
        $pair!($to "v67" read "frozen<point>", UdtIterator<'_, '_>, Point { x: 1, y: None } => |read| read.map(|((name, _), _)| name.to_string()).eq(["x", "y"]));
        $pair!($to "v68" bind "int", Box<i32> as i32, Box::new(7) => 7);
        $pair!($to "v69" bind "int", Arc<i32> as i32, Arc::new(7) => 7);
        $pair!($to "v70" both "int", CqlValue, CqlValue::Int(7));
        $pair!($to "v71" both "map<text, bigint>", CqlValue, CqlValue::Map(vec![(CqlValue::Text("a".to_owned()), CqlValue::BigInt(7))]));
    };
}

pub(crate) use {collections, numbers, texts, times};
