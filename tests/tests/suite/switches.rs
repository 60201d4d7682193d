//! Two keyspaces, many tasks, and one that switches between them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use cqlstack_core::{
    Batch, Client, Consistency, CqlService, Error, ErrorClass, Request, Session, StaticStatement,
};
use cqlstack_tests::cluster::Cluster;
use futures::TryStreamExt;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::keyspaces::{two_keyspaces, use_};
use crate::support::{HEAVY, full_stack};

const LONG: Duration = Duration::from_secs(300);

static READ: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id WHERE id = ?");
static ALL: StaticStatement = StaticStatement::new("SELECT who FROM crate_by_id");
static PUT: StaticStatement = StaticStatement::new("INSERT INTO w (id, n) VALUES (?, ?)");

/// Which of the two is in use: odd while it changes; else twice the number of the switch, which alternates.
#[derive(Default)]
struct InUse(AtomicU64);

impl InUse {
    fn read(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Which it was all the time since that was read.
    fn since(&self, before: u64) -> Option<usize> {
        (before == self.read() && before.is_multiple_of(2)).then_some((before / 2 % 2) as usize)
    }
}

#[derive(Default)]
struct Seen {
    asked: AtomicUsize,
    answered: AtomicUsize,
    certain: AtomicUsize,
    errors: Mutex<HashMap<String, usize>>,
    /// Each row that was written, and where it has to be, if that is certain.
    written: Mutex<Vec<(i32, Option<usize>)>>,
    wrong: Mutex<Vec<String>>,
}

impl Seen {
    fn failed(&self, error: &Error) {
        let mut errors = self.errors.lock().unwrap();
        *errors.entry(format!("{:?}: {}", error.worst_class(), error.what())).or_default() += 1;
        // What cannot be right by sending it again would be a mistake of ours.
        if error.worst_class() == ErrorClass::Permanent {
            self.wrong.lock().unwrap().push(error.to_string());
        }
    }

    fn read(&self, what: &str, names: &[String; 2], found: &[String], here: Option<usize>) {
        let first = found.first();
        if found.iter().any(|who| Some(who) != first) {
            self.wrong.lock().unwrap().push(format!("{what}: of both"));
        }
        if let (Some(first), Some(here)) = (first, here) {
            self.certain.fetch_add(1, Ordering::Relaxed);
            if *first != names[here] {
                self.wrong.lock().unwrap().push(format!("{what}: of the other keyspace"));
            }
        }
    }
}

struct Storm<S: CqlService> {
    db: Client<S>,
    names: [String; 2],
    in_use: InUse,
    seen: Seen,
    next: AtomicI32,
    over: AtomicBool,
}

impl<S: CqlService> Storm<S> {
    fn ids(&self, count: i32) -> Vec<i32> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        (first..first + count).collect()
    }

    fn wrote(&self, ids: &[i32], before: u64) {
        let here = self.in_use.since(before);
        self.seen.certain.fetch_add(usize::from(here.is_some()), Ordering::Relaxed);
        self.seen.written.lock().unwrap().extend(ids.iter().map(|id| (*id, here)));
    }

    async fn task(&self) {
        while !self.over.load(Ordering::Relaxed) {
            self.seen.asked.fetch_add(1, Ordering::Relaxed);
            let before = self.in_use.read();
            let answered = match fastrand::u8(0..20) {
                0..8 => self.read(before).await,
                8..14 => self.write(before).await,
                14..16 => self.batch(before).await,
                16..18 => self.pages(before).await,
                _ => self.many(before).await,
            };
            match answered {
                Ok(()) => {
                    self.seen.answered.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => self.seen.failed(&error),
            }
            sleep(Duration::from_millis(fastrand::u64(0..20))).await;
        }
    }

    async fn read(&self, before: u64) -> Result<(), Error> {
        let answer = self.db.execute(&READ, (fastrand::i32(1..22),)).await?;
        let who = answer.value::<String>()?;
        self.seen.read("a read", &self.names, &[who], self.in_use.since(before));
        Ok(())
    }

    async fn write(&self, before: u64) -> Result<(), Error> {
        let ids = self.ids(1);
        self.db.execute(&PUT, (ids[0], 1)).await?;
        self.wrote(&ids, before);
        Ok(())
    }

    async fn batch(&self, before: u64) -> Result<(), Error> {
        let ids = self.ids(3);
        let batch = ids.iter().fold(Batch::logged(), |batch, id| batch.add(&PUT, (*id, 2)));
        self.db.request(batch).await?;
        self.wrote(&ids, before);
        Ok(())
    }

    async fn pages(&self, before: u64) -> Result<(), Error> {
        let rows = self.db.rows::<(String,)>(Request::from(&ALL).with_page_size(4));
        let rows: Vec<_> = rows.map_ok(|(who,)| who).try_collect().await?;
        if rows.len() != 21 {
            self.seen.wrong.lock().unwrap().push(format!("{} rows of 21", rows.len()));
        }
        self.seen.read("a stream", &self.names, &rows, self.in_use.since(before));
        Ok(())
    }

    async fn many(&self, before: u64) -> Result<(), Error> {
        let ids = self.ids(5);
        let report = self.db.many(&PUT, ids.clone().into_iter().map(|id| (id, 3))).run_all().await;
        let failed: Vec<usize> = report.failed.iter().map(|(index, _)| *index).collect();
        let kept = |(index, _): &(usize, &i32)| !failed.contains(index);
        let ids: Vec<_> = ids.iter().enumerate().filter(kept).map(|(_, id)| *id).collect();
        self.wrote(&ids, before);
        report.failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Whether few requests began and ended between two switches: such a storm shows little.
    fn has_few_certain(&self) -> bool {
        let Seen { certain, asked, .. } = &self.seen;
        certain.load(Ordering::Relaxed) * 4 < asked.load(Ordering::Relaxed)
    }

    /// How many switches did not succeed.
    async fn switch(&self, switches: u64, every: Duration) -> usize {
        let mut failed = 0;
        for number in 1..=switches {
            self.in_use.0.store(2 * number - 1, Ordering::SeqCst);
            let name = &self.names[(number % 2) as usize];
            let patient =
                || Request::from(&use_(name)).with_attempt_timeout(Duration::from_secs(20));
            while let Err(error) = self.db.request(patient()).await {
                println!("a switch: {error}");
                failed += 1;
            }
            self.in_use.0.store(2 * number, Ordering::SeqCst);
            sleep(every).await;
            // On a slow machine a request takes longer than that.
            while self.has_few_certain() {
                sleep(every / 10).await;
            }
        }
        self.over.store(true, Ordering::Relaxed);
        failed
    }
}

/// Where each row is, of the two.
async fn homes(session: &Session, names: &[String; 2]) -> [Vec<i32>; 2] {
    let db = Client::new(session.clone());
    let all = names.each_ref().map(|name| {
        let all = cqlstack_core::Statement::new(format!("SELECT id FROM {name}.w"));
        let all = Request::from(&all).with_consistency(Consistency::All);
        db.rows::<(i32,)>(all).map_ok(|(id,)| id).try_collect::<Vec<_>>()
    });
    let mut homes = Vec::new();
    for all in all {
        let mut ids = all.await.unwrap();
        ids.sort_unstable();
        homes.push(ids);
    }
    homes.try_into().unwrap()
}

async fn storm(cluster: &Cluster, replicas: usize, tasks: usize, switches: u64, restart: bool) {
    let names = two_keyspaces(cluster, replicas).await;
    for name in &names {
        cluster.run(format!("CREATE TABLE {name}.w (id int PRIMARY KEY, n int)")).await.unwrap();
    }
    let builder = Session::builder().contact_points(cluster.contact_points());
    let session = builder.keyspace(names[0].as_str()).build().await.unwrap();
    let storm = Arc::new(Storm {
        db: full_stack(&session),
        names: names.clone(),
        in_use: InUse::default(),
        seen: Seen::default(),
        next: AtomicI32::new(0),
        over: AtomicBool::new(false),
    });
    let began = Instant::now();
    let running = (0..tasks).map(|_| {
        let storm = Arc::clone(&storm);
        tokio::spawn(async move { storm.task().await })
    });
    let running: Vec<_> = running.collect();
    // A request among so many takes that long.
    let between = Duration::from_millis(if tasks > 50 { 400 } else { 50 });
    let switching = storm.switch(switches, between);
    let breaking = async {
        if restart {
            sleep(Duration::from_secs(3)).await;
            cluster.node(2).unwrap().restart().await.unwrap();
        }
    };
    let (failed, ()) = timeout(LONG, async { tokio::join!(switching, breaking) }).await.unwrap();
    timeout(LONG, join_all(running)).await.unwrap().into_iter().for_each(|task| task.unwrap());
    let took = began.elapsed();
    if restart {
        cluster.settled().await.unwrap();
    }

    let seen = &storm.seen;
    let homes = homes(&session, &names).await;
    let mut wrong = std::mem::take(&mut *seen.wrong.lock().unwrap());
    let written = std::mem::take(&mut *seen.written.lock().unwrap());
    for (id, here) in &written {
        let found = homes.each_ref().map(|home| home.binary_search(id).is_ok());
        let expected = |home: usize| here.is_none_or(|here| here == home);
        match found {
            [true, false] if expected(0) => {}
            [false, true] if expected(1) => {}
            _ => wrong.push(format!("row {id}, which belongs to {here:?}, is in {found:?}")),
        }
    }
    let (asked, answered) =
        (seen.asked.load(Ordering::Relaxed), seen.answered.load(Ordering::Relaxed));
    println!(
        "{switches} switches in {took:.1?}, {failed} of them again; {answered} of {asked} answered, {} \
         certainly in one keyspace, {} rows written; errors: {:#?}",
        seen.certain.load(Ordering::Relaxed),
        written.len(),
        seen.errors.lock().unwrap(),
    );
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
    assert!(answered * 100 >= asked * 99, "{answered} of {asked}");
    assert!(seen.certain.load(Ordering::Relaxed) * 5 > asked, "there was time between switches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_while_keyspaces_are_switched_stays_in_one() {
    if HEAVY {
        let cluster = Cluster::shared_three().await.unwrap();
        storm(&cluster, 3, 100, 200, true).await;
    } else {
        storm(Cluster::shared().await.unwrap(), 1, 30, 30, false).await;
    }
}
