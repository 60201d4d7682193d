//! Arguments that do not go into their markers: each line has one error, at the argument. What follows it is the CQL type,
//! and the Rust type as the compiler names it.

#![allow(unused_imports, dead_code)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use renamed::value::{Counter, CqlDate, CqlTimestamp, CqlTimeuuid, CqlVarint, MaybeUnset, Uuid};
use renamed::{SerializeValue, query};

#[derive(SerializeValue)]
#[scylla(crate = renamed::scylla)]
struct Other {
    street: String,
    zap: i32,
}

#[derive(SerializeValue)]
#[scylla(crate = renamed::scylla)]
struct Wrong {
    street: i32,
    zip: i32,
}

struct Plain;

fn main() {
    query!("UPDATE t SET b = ? WHERE k = 0", 1); // boolean <- {integer}
    query!("UPDATE t SET b = ? WHERE k = 0", "true"); // boolean <- &str
    query!("UPDATE t SET i1 = ? WHERE k = 0", 1_i32); // tinyint <- i32
    query!("UPDATE t SET i1 = ? WHERE k = 0", 1_u8); // tinyint <- u8
    query!("UPDATE t SET i2 = ? WHERE k = 0", 1_i64); // smallint <- i64
    query!("UPDATE t SET i2 = ? WHERE k = 0", Some(1_i8)); // smallint <- Option<i8>
    query!("UPDATE t SET i4 = ? WHERE k = 0", 1_i64); // int <- i64
    query!("UPDATE t SET i4 = ? WHERE k = 0", 1_u32); // int <- u32
    query!("UPDATE t SET i4 = ? WHERE k = 0", "1"); // int <- &str
    query!("UPDATE t SET i4 = ? WHERE k = 0", 1.5); // int <- {float}
    query!("UPDATE t SET i4 = ? WHERE k = 0", &1_i64); // int <- &i64
    query!("UPDATE t SET i4 = ? WHERE k = 0", Some(1_i16)); // int <- Option<i16>
    query!("UPDATE t SET i4 = ? WHERE k = 0", MaybeUnset::Set(1_i64)); // int <- MaybeUnset<i64>
    query!("UPDATE t SET i4 = ? WHERE k = 0", vec![1]); // int <- Vec<{integer}>
    query!("UPDATE t SET i8 = ? WHERE k = 0", 1_i32); // bigint <- i32
    query!("UPDATE t SET i8 = ? WHERE k = 0", 1_usize); // bigint <- usize
    query!("UPDATE t SET i8 = ? WHERE k = 0", Counter(1)); // bigint <- cqlstack_core::value::Counter
    query!("UPDATE t SET f4 = ? WHERE k = 0", 1.5_f64); // float <- f64
    query!("UPDATE t SET f8 = ? WHERE k = 0", 1.5_f32); // double <- f32
    query!("UPDATE t SET f8 = ? WHERE k = 0", 1_i32); // double <- i32
    query!("UPDATE t SET n = ? WHERE k = 0", 1_i32); // varint <- i32
    query!("UPDATE t SET n = ? WHERE k = 0", "1"); // varint <- &str
    query!("UPDATE t SET x = ? WHERE k = 0", 1.5_f64); // decimal <- f64
    query!("UPDATE t SET x = ? WHERE k = 0", CqlVarint::from_signed_bytes_be_slice(&[1])); // decimal <- CqlVarint
    query!("UPDATE t SET a = ? WHERE k = 0", 'a'); // ascii <- char
    query!("UPDATE t SET a = ? WHERE k = 0", vec![97_u8]); // ascii <- Vec<u8>
    query!("UPDATE t SET s = ? WHERE k = 0", 'a'); // text <- char
    query!("UPDATE t SET s = ? WHERE k = 0", 1_i32); // text <- i32
    query!("UPDATE t SET s = ? WHERE k = 0", b"bytes"); // text <- &[u8; 5]
    query!("UPDATE t SET s = ? WHERE k = 0", Uuid::nil()); // text <- cqlstack_core::value::Uuid
    query!("UPDATE t SET s = ? WHERE k = 0", String::from("a").as_bytes()); // text <- &[u8]
    query!("UPDATE t SET s = ? WHERE k = 0", Some(&vec![1_u8])); // text <- Option<&Vec<u8>>
    query!("UPDATE t SET y = ? WHERE k = 0", "text"); // blob <- &str
    query!("UPDATE t SET y = ? WHERE k = 0", String::new()); // blob <- String
    query!("UPDATE t SET y = ? WHERE k = 0", vec![1_i8]); // blob <- Vec<i8>
    query!("UPDATE t SET y = ? WHERE k = 0", [1_u16, 2]); // blob <- [u16; 2]
    query!("UPDATE t SET h = ? WHERE k = 0", "127.0.0.1"); // inet <- &str
    query!("UPDATE t SET h = ? WHERE k = 0", [127_u8, 0, 0, 1]); // inet <- [u8; 4]
    query!("UPDATE t SET u = ? WHERE k = 0", "a"); // uuid <- &str
    query!("UPDATE t SET u = ? WHERE k = 0", 1_u128); // uuid <- u128
    query!("UPDATE t SET u = ? WHERE k = 0", CqlTimeuuid::nil()); // uuid <- CqlTimeuuid
    query!("UPDATE t SET tu = ? WHERE k = 0", Uuid::nil()); // timeuuid <- cqlstack_core::value::Uuid
    query!("UPDATE t SET d = ? WHERE k = 0", CqlTimestamp(1)); // date <- CqlTimestamp
    query!("UPDATE t SET d = ? WHERE k = 0", "2020-01-01"); // date <- &str
    query!("UPDATE t SET ti = ? WHERE k = 0", CqlDate(1)); // time <- CqlDate
    query!("UPDATE t SET ti = ? WHERE k = 0", Duration::from_secs(1)); // time <- std::time::Duration
    query!("UPDATE t SET ts = ? WHERE k = 0", SystemTime::UNIX_EPOCH); // timestamp <- SystemTime
    query!("UPDATE t SET ts = ? WHERE k = 0", 1_i64); // timestamp <- i64
    query!("UPDATE t SET du = ? WHERE k = 0", Duration::from_secs(1)); // duration <- std::time::Duration
    query!("UPDATE t SET l = ? WHERE k = 0", vec![1_i64]); // list<int> <- Vec<i64>
    query!("UPDATE t SET l = ? WHERE k = 0", 1_i32); // list<int> <- i32
    query!("UPDATE t SET l = ? WHERE k = 0", ["a"].as_slice()); // list<int> <- &[&str]
    query!("UPDATE t SET l = ? WHERE k = 0", HashSet::from([1_i64])); // list<int> <- HashSet<i64>
    query!("UPDATE t SET l = ? WHERE k = 0", HashMap::from([(1, 1)])); // list<int> <- HashMap<{integer}, {integer}>
    query!("UPDATE t SET st = ? WHERE k = 0", vec![1_i32]); // set<text> <- Vec<i32>
    query!("UPDATE t SET st = ? WHERE k = 0", "a"); // set<text> <- &str
    query!("UPDATE t SET st = ? WHERE k = 0", BTreeSet::from([vec![1_u8]])); // set<text> <- BTreeSet<Vec<u8>>
    query!("UPDATE t SET m = ? WHERE k = 0", HashMap::from([(1_i32, 1_i32)])); // map<text, int> <- HashMap<i32, i32>
    query!("UPDATE t SET m = ? WHERE k = 0", BTreeMap::from([("a", 1_i64)])); // map<text, int> <- BTreeMap<&str, i64>
    query!("UPDATE t SET m = ? WHERE k = 0", vec![("a", 1)]); // map<text, int> <- Vec<(&str, {integer})>
    query!("UPDATE t SET v = ? WHERE k = 0", vec![1.5_f64]); // vector<float, 3> <- Vec<f64>
    query!("UPDATE t SET v = ? WHERE k = 0", 1.5_f32); // vector<float, 3> <- f32
    query!("UPDATE t SET t = ? WHERE k = 0", (1_i32, 2_i32)); // tuple<int, text> <- (i32, i32)
    query!("UPDATE t SET t = ? WHERE k = 0", (1_i32, "a", 3_i32)); // tuple<int, text> <- (i32, &str, i32)
    query!("UPDATE t SET t = ? WHERE k = 0", 1_i32); // tuple<int, text> <- i32
    query!("UPDATE t SET home = ? WHERE k = 0", 1_i32); // address <- i32
    query!("UPDATE t SET home = ? WHERE k = 0", Other { street: String::new(), zap: 1 }); // address <- Other
    query!("UPDATE t SET home = ? WHERE k = 0", Wrong { street: 1, zip: 1 }); // address <- Wrong
    query!("UPDATE t SET home = ? WHERE k = 0", Plain); // address <- Plain
    query!("UPDATE t SET homes = ? WHERE k = 0", vec![Other { street: String::new(), zap: 1 }]); // list<address> <- Vec<Other>
    query!("UPDATE t SET deep = ? WHERE k = 0", HashMap::from([(1_i32, vec![1_i32])])); // map<int, list<text>> <- HashMap<i32, Vec<i32>>
    query!("UPDATE c SET n = n + ? WHERE k = 0", 1_i64); // counter <- i64
    query!("SELECT k FROM t WHERE k IN ?", 1_i32; allow(partition_in)); // list<int> <- i32
    query!("SELECT k FROM t WHERE k = 1 LIMIT ?", 1_i64); // int <- i64
    query!("UPDATE t USING TTL ? SET s = 'a' WHERE k = 0", "1"); // int <- &str
    query!("UPDATE t SET l[?] = 1 WHERE k = 0", 1_i64); // int <- i64
    query!("UPDATE t SET m[?] = 1 WHERE k = 0", 1_i32); // text <- i32
    query!("UPDATE t SET s = :s WHERE k = :k", k = 0, s = 1_i32); // text <- i32
}
