//! The measurements that the benchmark workers share.

use std::time::Duration;

/// Returns the user and system time of this process.
#[must_use]
pub fn cpu_time() -> Duration {
    // SAFETY: `getrusage` fills the structure that the pointer refers to.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Returns the peak resident memory of this process in MiB. `ru_maxrss` would include the parent's
/// memory.
///
/// # Panics
/// Panics on a system without `/proc`.
#[must_use]
pub fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
}
