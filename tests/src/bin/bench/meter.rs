//! What a measured part cost: time, processor time, memory.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// Runs from the beginning of what is measured.
#[derive(Debug)]
pub(crate) struct Meter {
    begin: Instant,
    processor: Duration,
}

/// What it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) elapsed: Duration,
    /// User and system time of this process.
    pub(crate) processor: Duration,
    pub(crate) memory: Memory,
}

/// Resident memory of this process in bytes; none where the system does not tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) now: Option<u64>,
    /// The most since the meter was started.
    pub(crate) peak: Option<u64>,
}

impl Meter {
    pub(crate) fn start() -> Self {
        forget_peak();
        Self {
            processor: processor_time(),
            begin: Instant::now(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(crate) fn stop(&self) -> Cost {
        Cost {
            elapsed: self.begin.elapsed(),
            processor: processor_time().saturating_sub(self.processor),
            memory: Memory::read(),
        }
    }
}

impl Cost {
    /// As the line of a result has it.
    pub(crate) fn describe(&self, line: &mut Map<String, Value>) {
        line.insert(
            "cpu_seconds".into(),
            json!(rounded(self.processor.as_secs_f64())),
        );
        line.insert("rss_mb".into(), json!(self.memory.now.map(megabytes)));
        line.insert("peak_mb".into(), json!(self.memory.peak.map(megabytes)));
    }

    /// The share of one processor, in per cent.
    pub(crate) fn processor_percent(&self) -> f64 {
        let share = self.processor.as_secs_f64() / self.elapsed.as_secs_f64();
        (share * 1e5).round() / 1e3
    }
}

impl Memory {
    pub(crate) fn read() -> Self {
        // Linux alone has it.
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            now: kilobytes(&status, "VmRSS:"),
            peak: kilobytes(&status, "VmHWM:"),
        }
    }
}

/// A line `VmRSS:     1234 kB`, in bytes.
fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number = line.trim().strip_suffix("kB")?.trim();
    Some(number.parse::<u64>().ok()? * 1024)
}

/// From now on the peak is that of what follows.
fn forget_peak() {
    if cfg!(target_os = "linux")
        && let Err(error) = fs::write("/proc/self/clear_refs", "5")
    {
        eprintln!("bench: the peak of memory is that of the whole process so far: {error}");
    }
}

/// User and system time of this process so far.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

/// In millions of bytes, to the thousand.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    (bytes as f64 / 1e3).round() / 1e3
}

/// Seconds, to the microsecond.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
