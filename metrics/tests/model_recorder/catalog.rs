//! One bound, where the exporter has 17: each is one more atomic that the model goes through.

pub(crate) const BUCKET_NANOS: [u64; 1] = [50_000];
