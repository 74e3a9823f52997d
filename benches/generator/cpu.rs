//! What a process has used of the CPU, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// What all threads of a process have used so far.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// In steps of 10 ms.
    pub(crate) user: Duration,
    /// In steps of 10 ms.
    pub(crate) system: Duration,
}

impl Used {
    /// Both together.
    pub(crate) fn cpu(self) -> Duration {
        self.user + self.system
    }
}

/// What `pid` has used so far.
pub(crate) fn of(pid: u32) -> Result<Used> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    // The second field, the name, may hold spaces; it ends at the last parenthesis. utime and stime are 14 and 15 of all.
    let after_name = stat.rsplit_once(')').context("stat without a name")?.1;
    let mut ticks = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let mut next = || Ok::<_, anyhow::Error>(ticks.next().context("a short stat")?? * 1000 / rustix::param::clock_ticks_per_second());
    Ok(Used { user: Duration::from_millis(next()?), system: Duration::from_millis(next()?) })
}
