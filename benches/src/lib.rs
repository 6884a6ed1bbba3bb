//! The measurements of the benchmark workers.

use std::time::Instant;

/// What an operation has used of the process.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The wall time in milliseconds.
    pub wall_ms: f64,
    /// The user and system time of all threads in milliseconds.
    pub cpu_ms: f64,
    /// The number of page faults.
    pub faults: i64,
    /// The peak of the resident memory above that at the start, in MiB.
    pub peak_mib: f64,
    /// The number of times that a thread slept: an upper bound of the waits for locks.
    pub switches: i64,
}

/// The state of the process at the start of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    wall: Instant,
    used: Used,
    resident_mib: f64,
}

impl Usage {
    /// Starts a measurement.
    ///
    /// # Panics
    /// Panics on a system without `/proc`.
    #[must_use]
    pub fn start() -> Start {
        // Makes the present memory the peak.
        std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
        let resident_mib = status_mib("VmRSS:");
        let used = Used::now();
        Start {
            wall: Instant::now(),
            used,
            resident_mib,
        }
    }
}

impl Start {
    /// Ends the measurement.
    ///
    /// # Panics
    /// Panics on a system without `/proc`.
    #[must_use]
    pub fn stop(self) -> Usage {
        let wall = self.wall.elapsed();
        let used = Used::now();
        Usage {
            wall_ms: wall.as_secs_f64() * 1e3,
            cpu_ms: used.cpu_ms - self.used.cpu_ms,
            faults: used.faults - self.used.faults,
            switches: used.switches - self.used.switches,
            peak_mib: status_mib("VmHWM:") - self.resident_mib,
        }
    }
}

/// What all threads have used since the process started.
#[derive(Clone, Copy, Debug)]
struct Used {
    cpu_ms: f64,
    faults: i64,
    switches: i64,
}

impl Used {
    fn now() -> Self {
        // SAFETY: `getrusage` fills the structure that the pointer refers to.
        let usage = unsafe {
            let mut usage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &mut usage);
            usage
        };
        let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
        Self {
            cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
            faults: usage.ru_minflt + usage.ru_majflt,
            switches: usage.ru_nvcsw,
        }
    }
}

/// Returns a line of the status of this process in MiB.
fn status_mib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("a line");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<f64>()
        .expect("a number")
        / 1024.0
}
