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
}

/// The state of the process at the start of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    wall: Instant,
    cpu_ms: f64,
    faults: i64,
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
        let (cpu_ms, faults) = used();
        Start {
            wall: Instant::now(),
            cpu_ms,
            faults,
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
        let (cpu_ms, faults) = used();
        Usage {
            wall_ms: wall.as_secs_f64() * 1e3,
            cpu_ms: cpu_ms - self.cpu_ms,
            faults: faults - self.faults,
            peak_mib: status_mib("VmHWM:") - self.resident_mib,
        }
    }
}

/// Returns the user and system time in milliseconds, and the number of page faults.
fn used() -> (f64, i64) {
    // SAFETY: `getrusage` fills the structure that the pointer refers to.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    (
        ms(usage.ru_utime) + ms(usage.ru_stime),
        usage.ru_minflt + usage.ru_majflt,
    )
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
