//! Plain writes beside conditional ones: what was acknowledged is there.

mod writer;

use std::env;
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use cqlstack_core::testing::shift_clock;
use cqlstack_core::{Batch, Client, CqlService, Session, Statement, StaticStatement, Timestamps};
use cqlstack_tests::cluster::Cluster;
use futures::future::join_all;
use scylla::value::{CqlValue, Row};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::support::{HEAVY, Log, full_stack, run};
use writer::Writer;

pub(crate) static INSERT: StaticStatement =
    StaticStatement::new("INSERT INTO t (k, v) VALUES (?, ?)");
static UPDATE: StaticStatement = StaticStatement::new("UPDATE t SET v = ? WHERE k = ?");
static DELETE: StaticStatement = StaticStatement::new("DELETE FROM t WHERE k = ?");
pub(crate) static UPDATE_IF: StaticStatement =
    StaticStatement::new("UPDATE t SET v = ? WHERE k = ? IF v = ?");
pub(crate) static INSERT_IF: StaticStatement =
    StaticStatement::new("INSERT INTO t (k, v) VALUES (?, ?) IF NOT EXISTS");
static READ: StaticStatement = StaticStatement::new("SELECT v FROM t WHERE k = ?");

/// Two writes of a row, one after the other's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Race {
    /// `INSERT`, and then `UPDATE … IF`.
    Update,
    /// `DELETE`, and then `INSERT … IF NOT EXISTS`.
    Insert,
    /// `UPDATE … IF`, and then `UPDATE`.
    Plain,
}

const RACES: [Race; 3] = [Race::Update, Race::Insert, Race::Plain];

/// One of the two writes. Done, its value is what the row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Insert(i32),
    Update(i32),
    Delete,
    UpdateIf(i32, i32),
    InsertIf(i32),
}

impl Race {
    /// What comes before, the two, and the value that the second one leaves.
    fn writes(self) -> ([Write; 1], [Write; 2], i32) {
        match self {
            // Another value each, so that a write that was lost leaves something to be seen.
            Self::Update => ([Write::Insert(0)], [Write::Insert(1), Write::UpdateIf(2, 1)], 2),
            Self::Insert => ([Write::Insert(1)], [Write::Delete, Write::InsertIf(2)], 2),
            Self::Plain => ([Write::InsertIf(1)], [Write::UpdateIf(2, 1), Write::Update(3)], 3),
        }
    }
}

impl Write {
    fn is_conditional(self) -> bool {
        matches!(self, Self::UpdateIf(..) | Self::InsertIf(_))
    }

    fn words(self) -> String {
        match self {
            Self::Insert(v) => format!("insert {v} 0"),
            Self::Update(v) => format!("update {v} 0"),
            Self::Delete => "delete 0 0".to_owned(),
            Self::UpdateIf(v, before) => format!("update_if {v} {before}"),
            Self::InsertIf(v) => format!("insert_if {v} 0"),
        }
    }

    fn of_words(words: &[&str]) -> Self {
        let number = |at: usize| i32::from_str(words[at]).unwrap();
        match words[0] {
            "insert" => Self::Insert(number(1)),
            "update" => Self::Update(number(1)),
            "delete" => Self::Delete,
            "update_if" => Self::UpdateIf(number(1), number(2)),
            _ => Self::InsertIf(number(1)),
        }
    }

    /// Whether it was acknowledged, and applied.
    async fn is_done(self, db: &Client<impl CqlService>, k: i32) -> bool {
        let done = match self {
            Self::Insert(v) => db.execute(&INSERT, (k, v)).await,
            Self::Update(v) => db.execute(&UPDATE, (v, k)).await,
            Self::Delete => db.execute(&DELETE, (k,)).await,
            Self::UpdateIf(v, before) => db.execute(&UPDATE_IF, (v, k, before)).await,
            Self::InsertIf(v) => db.execute(&INSERT_IF, (k, v)).await,
        };
        let done = done.unwrap();
        !self.is_conditional() || done.applied().unwrap()
    }
}

async fn read(db: &Client<impl CqlService>, k: i32) -> Option<i32> {
    let row = db.execute(&READ, (k,)).await.unwrap();
    row.maybe_row::<(Option<i32>,)>().unwrap().and_then(|(v,)| v)
}

/// How many of these rounds had a write that was acknowledged and is gone.
async fn gone(db: &Client<impl CqlService>, race: Race, keys: Range<i32>) -> usize {
    gone_of(race, keys, async |write, k| write.is_done(db, k).await, async |k| read(db, k).await)
        .await
}

async fn gone_of(
    race: Race,
    keys: Range<i32>,
    is_done: impl AsyncFn(Write, i32) -> bool,
    read: impl AsyncFn(i32) -> Option<i32>,
) -> usize {
    let mut gone = 0;
    for k in keys {
        let (before, [first, second], left) = race.writes();
        assert!(is_done(before[0], k).await);
        // What is not applied found that the first one is gone.
        let applied = is_done(first, k).await && is_done(second, k).await;
        gone += usize::from(!applied || read(k).await != Some(left));
    }
    gone
}

/// The same by the bare driver, which leaves all timestamps to servers.
async fn gone_by_driver(session: &Session, race: Race, keys: Range<i32>) -> usize {
    let driver = session.driver().unwrap();
    let texts = [&INSERT, &UPDATE, &DELETE, &UPDATE_IF, &INSERT_IF, &READ];
    let texts = texts.map(|it| Statement::from(it).text().to_owned());
    let prepared = join_all(texts.into_iter().map(|text| driver.prepare(text))).await;
    let prepared: Vec<_> = prepared.into_iter().map(Result::unwrap).collect();
    let first = async |place: usize, values: Vec<i32>| {
        let answer = driver.execute_unpaged(&prepared[place], values).await.unwrap();
        let rows = answer.into_rows_result().ok()?;
        let row = rows.rows::<Row>().unwrap().next()?.unwrap();
        row.columns.into_iter().next().flatten()
    };
    let is_done = async |write: Write, k: i32| {
        let answer = match write {
            Write::Insert(v) => first(0, vec![k, v]).await,
            Write::Update(v) => first(1, vec![v, k]).await,
            Write::Delete => first(2, vec![k]).await,
            Write::UpdateIf(v, before) => first(3, vec![v, k, before]).await,
            Write::InsertIf(v) => first(4, vec![k, v]).await,
        };
        !write.is_conditional() || answer == Some(CqlValue::Boolean(true))
    };
    let read = async |k: i32| first(5, vec![k]).await.and_then(|value| value.as_int());
    gone_of(race, keys, is_done, read).await
}

/// How many of these tables lost something when the first conditional statements came to them: two at once, beside
/// plain writes of before, of now, and of another table in a batch.
async fn switches(session: &Session, tables: i32) -> usize {
    let mut gone = 0;
    for _ in 0..tables {
        let (a, b) = (format!("a{}", fastrand::u64(..)), format!("b{}", fastrand::u64(..)));
        for table in [&a, &b] {
            let columns = "(k int PRIMARY KEY, v int)";
            run(&Client::new(session.clone()), &format!("CREATE TABLE {table} {columns}")).await;
        }
        let db = full_stack(session);
        let insert =
            |table: &str| Statement::new(format!("INSERT INTO {table} (k, v) VALUES (?, ?)"));
        let (into_a, into_b) = (insert(&a), insert(&b));
        let delete = Statement::new(format!("DELETE FROM {a} WHERE k = ?"));
        let update_if = Statement::new(format!("UPDATE {a} SET v = ? WHERE k = ? IF v = ?"));
        let insert_if =
            Statement::new(format!("INSERT INTO {a} (k, v) VALUES (?, ?) IF NOT EXISTS"));
        for k in 1..=3 {
            db.execute(&into_a, (k, 1)).await.unwrap();
        }
        db.execute(&into_b, (4, 1)).await.unwrap();
        db.execute(&delete, (2,)).await.unwrap();
        let (updated, inserted, plain, batched) = tokio::join!(
            db.execute(&update_if, (2, 1, 1)),
            db.execute(&insert_if, (2, 2)),
            async {
                yield_now().await;
                db.execute(&into_a, (3, 2)).await
            },
            async {
                yield_now().await;
                db.request(Batch::logged().add(&into_a, (5, 2)).add(&into_b, (4, 2))).await
            },
        );
        let applied = updated.unwrap().applied().unwrap() && inserted.unwrap().applied().unwrap();
        plain.unwrap();
        batched.unwrap();
        let mut left = Vec::new();
        for (table, k) in [(&a, 1), (&a, 2), (&a, 3), (&b, 4)] {
            let read = format!("SELECT v FROM {table} WHERE k = {k}");
            let row = run(&Client::new(session.clone()), &read).await;
            left.push(row.maybe_row::<(Option<i32>,)>().unwrap().and_then(|(v,)| v));
        }
        if !applied || left != [Some(2); 4] {
            eprintln!("applied {applied}, left {left:?}");
            gone += 1;
        }
    }
    gone
}

fn variable<T: FromStr>(name: &str) -> T {
    let value = env::var(name).ok().and_then(|value| value.parse().ok());
    value.unwrap_or_else(|| panic!("{name} is to be set"))
}

fn timestamps(named: &str) -> Timestamps {
    match named {
        "server" => Timestamps::Server,
        "client" => Timestamps::Client,
        _ => Timestamps::ByTable,
    }
}

pub(crate) async fn session(points: &[String], keyspace: &str, named: &str) -> Session {
    let builder = Session::builder().contact_points(points).keyspace(keyspace);
    builder.timestamps(timestamps(named)).build().await.unwrap()
}

/// Does what is written to it: a write of a row and an answer a line.
#[tokio::test]
#[ignore = "it is a process that other tests start"]
async fn a_writer() {
    if env::var("RACES_POINTS").is_err() {
        return;
    }
    let (log, _listening) = Log::listen();
    shift_clock(variable::<i64>("RACES_SHIFT_MS") * 1_000);
    let points: String = variable("RACES_POINTS");
    let points: Vec<_> = points.split(',').map(str::to_owned).collect();
    let named = variable::<String>("RACES_TIMESTAMPS");
    let session = session(&points, &variable::<String>("RACES_KEYSPACE"), &named).await;
    let db = full_stack(&session);
    let mut lines = BufReader::new(stdin()).lines();
    println!("\nanswer ready");
    while let Some(line) = lines.next_line().await.unwrap() {
        let words: Vec<_> = line.split(' ').collect();
        let k = i32::from_str(words[1]).unwrap();
        let answer = match words[0] {
            "race" => {
                let race = RACES[usize::from_str(words[2]).unwrap()];
                let rounds = i32::from_str(words[3]).unwrap();
                let gone = match &*named {
                    "driver" => gone_by_driver(&session, race, k..k + rounds).await,
                    _ => gone(&db, race, k..k + rounds).await,
                };
                gone.to_string()
            }
            "clocks" => {
                let offsets: Vec<_> =
                    session.nodes().iter().filter_map(|node| node.clock).collect();
                let told = offsets.first().map(|it| (it.ahead_micros, it.error.as_micros()));
                let (ahead, error) = told.unwrap_or_default();
                format!("{ahead} {error} {}", log.lines("the clock of").len())
            }
            "switches" => switches(&session, k).await.to_string(),
            "read" => format!("{:?}", read(&db, k).await),
            _ => Write::of_words(&words[2..]).is_done(&db, k).await.to_string(),
        };
        println!("answer {answer}");
    }
}

/// Where something is known to be lost, few are enough.
fn rounds(timestamps: &str) -> i32 {
    if timestamps == "client" { ROUNDS.min(300) } else { ROUNDS }
}

/// The key of the first of ten thousand rows that nobody else has.
fn new_rows() -> i32 {
    static NEXT: AtomicI32 = AtomicI32::new(0);
    NEXT.fetch_add(10_000, Ordering::Relaxed)
}

pub(crate) const ROUNDS: i32 = if HEAVY { 2_000 } else { 40 };
const ROUNDS_OF_TWO: i32 = if HEAVY { 500 } else { 40 };

pub(crate) async fn one_process(
    points: &[String],
    keyspace: &str,
    timestamps: &str,
    shift_ms: i64,
) -> [usize; 3] {
    let mut writer = Writer::start(points, keyspace, timestamps, shift_ms).await;
    let rounds = rounds(timestamps);
    let mut gone = [0; 3];
    for (at, gone) in gone.iter_mut().enumerate() {
        let first = new_rows();
        *gone = writer.ask(format!("race {first} {at} {rounds}")).await.parse().unwrap();
    }
    gone
}

async fn two_processes(
    points: &[String],
    keyspace: &str,
    [plain, conditional]: [&str; 2],
    shift_ms: i64,
) -> [usize; 3] {
    let mut plain = Writer::start(points, keyspace, plain, shift_ms).await;
    let mut conditional = Writer::start(points, keyspace, conditional, shift_ms).await;
    let mut gone = [0; 3];
    for (race, gone) in RACES.into_iter().zip(&mut gone) {
        let (before, writes, left) = race.writes();
        let first = new_rows();
        for k in first..first + ROUNDS_OF_TWO {
            let mut applied = true;
            for write in before.into_iter().chain(writes) {
                let process = if write.is_conditional() { &mut conditional } else { &mut plain };
                applied &= process.ask(format!("write {k} {}", write.words())).await == "true";
            }
            let found = plain.ask(format!("read {k}")).await;
            *gone += usize::from(!applied || found != format!("{:?}", Some(left)));
        }
    }
    gone
}

/// With the clocks of all the same, and this one ahead or behind, in milliseconds.
const SHIFTS: &[i64] = if HEAVY { &[0, 200, -200] } else { &[200] };

/// Of one process, and of two.
const CHOICES: &[&str] = if HEAVY { &["server", "by_table", "client"] } else { &["by_table"] };
const CHOICES_OF_TWO: &[[&str; 2]] = if HEAVY {
    &[["server", "server"], ["by_table", "by_table"], ["server", "by_table"]]
} else {
    &[["server", "by_table"]]
};

async fn nothing_is_gone(cluster: &Cluster, replicas: usize) {
    let keyspace = cluster.keyspace(replicas).await.unwrap();
    let points = cluster.contact_points();
    let own = session(&points, keyspace.name(), "by_table").await;
    run(&Client::new(own), "CREATE TABLE t (k int PRIMARY KEY, v int)").await;
    let (points, keyspace) = (&points[..], keyspace.name());
    for &shift in SHIFTS {
        if HEAVY && shift == 0 {
            let gone = one_process(points, keyspace, "driver", shift).await;
            println!("{replicas} replicas, the bare driver: gone {gone:?} of {ROUNDS} each");
        }
        for &timestamps in CHOICES {
            let began = Instant::now();
            let gone = one_process(points, keyspace, timestamps, shift).await;
            println!(
                "{replicas} replicas, one process, {timestamps}, clock {shift} ms: gone {gone:?} of {} each, \
                 {:.0?}",
                rounds(timestamps),
                began.elapsed()
            );
            if timestamps != "client" {
                assert_eq!(gone, [0; 3], "{timestamps}, {shift}");
            }
        }
        for &both in CHOICES_OF_TWO {
            let gone = two_processes(points, keyspace, both, shift).await;
            println!(
                "{replicas} replicas, two processes, {both:?}, clock {shift} ms: gone {gone:?} of {ROUNDS_OF_TWO} each"
            );
            if both[0] == "server" {
                assert_eq!(gone, [0; 3], "{both:?}, {shift}");
            }
        }
    }
}

#[tokio::test]
async fn a_table_s_first_conditional_statements_lose_nothing() {
    const TABLES: i32 = if HEAVY { 50 } else { 3 };
    let cluster = Cluster::shared().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let points = cluster.contact_points();
    for &shift in SHIFTS {
        let mut writer = Writer::start(&points, keyspace.name(), "by_table", shift).await;
        let gone = writer.ask(format!("switches {TABLES}")).await;
        println!("clock {shift} ms: of {TABLES} switches {gone} lost something");
        assert_eq!(gone, "0");
    }
}

#[tokio::test]
async fn on_one_node_nothing_that_was_acknowledged_is_gone() {
    nothing_is_gone(Cluster::shared().await.unwrap(), 1).await;
}

#[tokio::test]
#[cfg_attr(not(feature = "heavy"), ignore = "it takes half a minute and more: in `.ci/run heavy`")]
async fn on_three_nodes_nothing_that_was_acknowledged_is_gone() {
    let cluster = Cluster::shared_three().await.unwrap();
    nothing_is_gone(&cluster, 3).await;
}

#[tokio::test]
async fn a_clock_that_is_far_from_a_node_s_is_told_once() {
    let cluster = Cluster::shared().await.unwrap();
    let keyspace = cluster.keyspace(1).await.unwrap();
    let points = cluster.contact_points();
    for &shift in SHIFTS {
        let mut writer = Writer::start(&points, keyspace.name(), "by_table", shift).await;
        let told = timeout(Duration::from_secs(5), async {
            loop {
                let told = writer.ask("clocks 0".to_owned()).await;
                if !told.starts_with("0 0 ") {
                    return told;
                }
            }
        });
        let told = told.await.expect("it is compared");
        println!("clock {shift} ms: µs that the node is ahead, error, warnings: {told}");
        let numbers: Vec<i64> = told.split(' ').map(|number| number.parse().unwrap()).collect();
        let [ahead, error, warnings] = numbers[..] else { panic!("{told}") };
        assert!((ahead + shift * 1_000).abs() <= error + 1_000 && error < 75_000, "{told}");
        assert_eq!(warnings == 1, shift != 0, "{told}");
        // The first use of a table with conditional statements compares once more.
        writer.ask("switches 1".to_owned()).await;
        let told = writer.ask("clocks 0".to_owned()).await;
        assert_eq!(told.ends_with(" 1"), shift != 0, "{told}");
    }
}
