//! What this process uses, as Linux tells.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// User and system time of all threads.
pub(crate) fn cpu_time() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

/// User and system time of this thread.
pub(crate) fn thread_cpu_time() -> Duration {
    time_of(ClockId::ThreadCPUTime)
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The most resident memory since [`forget_peak_memory`], in bytes.
pub(crate) fn peak_memory() -> u64 {
    status("VmHWM:").saturating_mul(1024)
}

/// The resident memory, in bytes.
pub(crate) fn memory() -> u64 {
    status("VmRSS:").saturating_mul(1024)
}

pub(crate) fn threads() -> u64 {
    status("Threads:")
}

pub(crate) fn forget_peak_memory() {
    // Where the kernel does not let us, the peak is the one since the start.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most resident memory of another process, in bytes, and its threads.
pub(crate) fn of_other(process: u32) -> (u64, u64) {
    let of = |field| status_of(&format!("/proc/{process}/status"), field);
    (of("VmHWM:").saturating_mul(1024), of("Threads:"))
}

fn status(field: &str) -> u64 {
    status_of("/proc/self/status", field)
}

fn status_of(path: &str, field: &str) -> u64 {
    let status = fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
