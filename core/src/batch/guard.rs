//! Looks at a batch before it is sent: at its partitions and its size.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::fault::UnknownPartition;
use super::fault::{BatchFault, Member};
use super::limits::BatchLimits;
use super::write_set::{KeyPart, Role, WriteSet};
use crate::serialized_row::{Cell, Cells};

/// What becomes of an UNLOGGED batch over several partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BatchGuard {
    /// It is refused, and so is one of which nobody but the server knows.
    #[default]
    Refuse,
    /// It is sent, and warned of by `tracing`, once a minute at most.
    Warn,
}

/// A statement of a batch, with its values.
pub(super) struct Ready<'b> {
    pub(super) name: &'b str,
    pub(super) write_set: &'b WriteSet,
    pub(super) values: Cells<'b>,
}

/// What was seen of a batch that may be sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// How many mutations it is, of those whose partition is known.
    pub(super) partitions: usize,
    pub(super) unknown: Option<(Member, UnknownPartition)>,
    /// What the server counts of it, or less where that is not known: literals, ranges, user-defined types.
    /// A cell that is written twice counts twice.
    pub(super) bytes: usize,
}

/// What Cassandra counts besides the values. A cell: timestamp, TTL, time of deletion. A row: timestamp,
/// and the deletion that it may be. A partition of a table: its deletion, and a static row.
const CELL: usize = 20;
const DELETION: usize = 12;
const ROW: usize = 8 + DELETION + 1;
const PARTITION: usize = 8 + ROW;

/// All statements have to write to the same partition.
pub(super) fn one_partition(members: &[Ready<'_>], limits: &BatchLimits) -> Result<(), BatchFault> {
    let Some(first) = members.first() else { return Ok(()) };
    let (mut shared, mut key, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (index, member) in members.iter().enumerate() {
        let into = if index == 0 { &mut shared } else { &mut key };
        member.key(into).map_err(|why| BatchFault::UnknownPartition(member.at(index), why))?;
        if index > 0 && (key != shared || member.write_set.keyspace != first.write_set.keyspace) {
            let columns = |member: &Ready<'_>| member.write_set.key_columns.clone();
            let one = (first.at(0), columns(first));
            let other = (member.at(index), columns(member));
            return Err(BatchFault::SeveralPartitions { one, other });
        }
        bytes += member.stored();
    }
    fits_mutation(bytes, limits)
}

/// As Cassandra's `BatchStatement`: what has the same key in the same keyspace is one mutation, and what
/// is one mutation is not measured as a batch.
pub(super) fn any_partitions(
    members: &[Ready<'_>],
    limits: &BatchLimits,
) -> Result<Seen, BatchFault> {
    let mut sizes = Sizes::default();
    for (index, member) in members.iter().enumerate() {
        sizes.add(member, index);
    }
    let partitions = sizes.mutations.len();
    if partitions > 1 && sizes.seen.bytes > limits.refuse {
        let (bytes, limit) = (sizes.seen.bytes, limits.refuse);
        return Err(BatchFault::TooLarge { partitions, bytes, limit });
    }
    sizes.mutations.values().try_for_each(|bytes| fits_mutation(*bytes, limits))?;
    Ok(Seen { partitions, ..sizes.seen })
}

fn fits_mutation(bytes: usize, limits: &BatchLimits) -> Result<(), BatchFault> {
    let limit = limits.mutation;
    if bytes > limit { Err(BatchFault::MutationTooLarge { bytes, limit }) } else { Ok(()) }
}

/// What the server will measure. What is known by its hash: two that fall together make it a little less.
#[derive(Default)]
struct Sizes {
    hasher: RandomState,
    /// The bytes of values of each.
    mutations: HashMap<u64, usize, RandomState>,
    /// Each mutation has one for each of its tables.
    updates: HashSet<u64, RandomState>,
    rows: HashSet<u64, RandomState>,
    seen: Seen,
    key: Vec<u8>,
}

impl Sizes {
    fn add(&mut self, member: &Ready<'_>, index: usize) {
        let WriteSet { keyspace, table, writes, .. } = member.write_set;
        self.seen.bytes += member.cells() + writes.cells * CELL;
        if let Err(why) = member.key(&mut self.key) {
            self.seen.unknown.get_or_insert_with(|| (member.at(index), why));
            return;
        }
        let mutation = self.hasher.hash_one((keyspace, &self.key));
        *self.mutations.entry(mutation).or_default() += member.stored();
        let update = self.hasher.hash_one((mutation, table));
        if self.updates.insert(update) {
            self.seen.bytes += PARTITION;
        }
        if writes.row && self.rows.insert(update.wrapping_add(member.row(&self.hasher))) {
            self.seen.bytes +=
                ROW + member.clustering().map(|(_, value)| value.len()).sum::<usize>();
        }
    }
}

impl Ready<'_> {
    pub(super) fn at(&self, index: usize) -> Member {
        Member { index, name: self.name.to_owned() }
    }

    /// The partition key, as the server stores it.
    fn key(&self, key: &mut Vec<u8>) -> Result<(), UnknownPartition> {
        let parts = self.write_set.key.as_ref().map_err(|why| *why)?;
        key.clear();
        for part in parts {
            let value = match part {
                KeyPart::Literal(value) => value,
                KeyPart::Marker(marker) => {
                    let value = self.values.clone().nth(*marker).and_then(Cell::value);
                    value.ok_or(UnknownPartition::Null)?
                }
            };
            if let [_only] = &parts[..] {
                key.extend(value);
                continue;
            }
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
            key.extend(length.to_be_bytes());
            key.extend(value);
            key.push(0);
        }
        Ok(())
    }

    /// What is written of what is bound.
    fn with_roles(&self) -> impl Iterator<Item = (Role, &[u8])> {
        let values = self.write_set.markers.iter().zip(self.values.clone());
        values.filter_map(|(role, cell)| match cell {
            Cell::Value(value) => Some((*role, value)),
            // A tombstone.
            Cell::Null => Some((*role, &[][..])),
            Cell::Unset => None,
        })
    }

    /// The clustering key, each value with its place in it.
    fn clustering(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.with_roles().filter_map(|(role, value)| match role {
            Role::ClusteringKey(place) => Some((place, value)),
            _ => None,
        })
    }

    /// A hash of the clustering key.
    fn row(&self, hasher: &RandomState) -> u64 {
        self.clustering().fold(0, |all, column| all.wrapping_add(hasher.hash_one(column)))
    }

    /// What the server counts of the bound cells.
    fn cells(&self) -> usize {
        let of = |(role, value): (Role, &[u8])| match role {
            Role::Cell => CELL + value.len(),
            // The deletion of what was there stands in place of the number of elements.
            Role::Elements(each) => match value.split_first_chunk() {
                Some((count, elements)) => {
                    let count = usize::try_from(i32::from_be_bytes(*count)).unwrap_or(0);
                    DELETION + elements.len() + count.saturating_mul(each)
                }
                None => DELETION,
            },
            Role::Cells => value.len(),
            Role::PartitionKey | Role::ClusteringKey(_) | Role::Nothing => 0,
        };
        self.with_roles().map(of).sum()
    }

    /// The values that a mutation holds.
    fn stored(&self) -> usize {
        let is_stored = |role| !matches!(role, Role::PartitionKey | Role::Nothing);
        let stored = self.with_roles().filter(|(role, _)| is_stored(*role));
        stored.map(|(_, value)| value.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::batch::write_set::Writes;

    fn write_set(keyspace: &str, key: Vec<KeyPart>) -> WriteSet {
        WriteSet {
            keyspace: keyspace.to_owned(),
            table: "t".to_owned(),
            key_columns: vec!["a".to_owned(), "b".to_owned()],
            key: Ok(key),
            markers: vec![
                Role::PartitionKey,
                Role::PartitionKey,
                Role::ClusteringKey(0),
                Role::Cell,
            ],
            writes: Writes { row: true, cells: 0 },
        }
    }

    fn composite() -> WriteSet {
        write_set("ks", vec![KeyPart::Marker(0), KeyPart::Marker(1)])
    }

    fn frame(values: [&str; 4]) -> Vec<u8> {
        let mut frame = Vec::new();
        for value in values {
            frame.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            frame.extend(value.bytes());
        }
        frame
    }

    fn ready<'b>(write_set: &'b WriteSet, values: &'b [u8]) -> Ready<'b> {
        Ready { name: "INSERT ks.t", write_set, values: Cells(values) }
    }

    const LIMITS: BatchLimits = BatchLimits::CASSANDRA;

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        let write_set = composite();
        let rows = [["ab", "c", "1", "x"], ["a", "bc", "1", "x"], ["ab", "c", "2", "y"]].map(frame);
        let [one, other, same] = rows.each_ref().map(|row| ready(&write_set, row));
        assert!(matches!(
            one_partition(&[one, other], &LIMITS),
            Err(BatchFault::SeveralPartitions { .. })
        ));
        let one = ready(&write_set, &rows[0]);
        assert_eq!(one_partition(&[one, same], &LIMITS), Ok(()));
    }

    #[test]
    fn the_same_key_in_another_keyspace_is_another_partition() {
        let write_sets =
            [composite(), write_set("other", vec![KeyPart::Marker(0), KeyPart::Marker(1)])];
        let row = frame(["a", "b", "1", "x"]);
        let both = || write_sets.each_ref().map(|write_set| ready(write_set, &row));
        assert!(one_partition(&both(), &LIMITS).is_err());
        assert_eq!(any_partitions(&both(), &LIMITS).unwrap().partitions, 2);
    }

    #[test]
    fn a_literal_is_the_same_key_as_the_value_that_is_bound() {
        let literal = KeyPart::Literal(b"b".to_vec());
        let write_sets = [composite(), write_set("ks", vec![KeyPart::Marker(0), literal])];
        let rows = [["a", "b", "1", "x"], ["a", "ignored", "2", "x"]].map(frame);
        let both = [ready(&write_sets[0], &rows[0]), ready(&write_sets[1], &rows[1])];
        assert_eq!(one_partition(&both, &LIMITS), Ok(()));
    }

    #[test]
    fn of_several_mutations_none_may_be_too_large_and_not_all_together() {
        let write_set = composite();
        let rows =
            [["a", "b", "1", &"x".repeat(600)], ["a", "c", "1", &"x".repeat(600)]].map(frame);
        let both = || rows.each_ref().map(|row| ready(&write_set, row));
        let bytes = 2 * (PARTITION + ROW + 1 + CELL + 600);
        let fits = BatchLimits { refuse: bytes, ..LIMITS };
        assert_eq!(
            any_partitions(&both(), &fits),
            Ok(Seen { partitions: 2, unknown: None, bytes })
        );
        let limits = BatchLimits { refuse: bytes - 1, ..LIMITS };
        let fault = BatchFault::TooLarge { partitions: 2, bytes, limit: bytes - 1 };
        assert_eq!(any_partitions(&both(), &limits), Err(fault));
        let limits = BatchLimits { mutation: 600, ..LIMITS };
        let fault = BatchFault::MutationTooLarge { bytes: 601, limit: 600 };
        assert_eq!(any_partitions(&both(), &limits), Err(fault.clone()));
        assert_eq!(one_partition(&both()[..1], &limits), Err(fault));
    }

    /// What it allocates does not grow with the batch. `--release -- --nocapture` shows its time.
    #[test]
    fn a_look_at_one_partition_allocates_two_keys() {
        let write_set = composite();
        let row = frame(["a name of some length", "2026-11-26", "1", "a value of some length"]);
        for statements in [32, 1_000] {
            let members: Vec<_> = (0..statements).map(|_| ready(&write_set, &row)).collect();
            let look = || one_partition(&members, &LIMITS);
            let allocated = allocation_counter::measure(|| look().unwrap());
            // The buffer of a key grows once or twice.
            assert!(allocated.count_total <= 6, "{allocated:?}");
            let began = Instant::now();
            (0..100).for_each(|_| look().unwrap());
            println!("{:?} a statement", began.elapsed() / (100 * statements));
        }
    }
}
