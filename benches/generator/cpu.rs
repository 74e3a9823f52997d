//! What a process has used: CPU time and resident memory, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// User and system time of all threads of `pid` so far, in steps of 10 ms.
pub(crate) fn of(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    // The second field, the name, may hold spaces; it ends at the last parenthesis. utime and stime are 14 and 15 of all.
    let after_name = stat.rsplit_once(')').context("stat without a name")?.1;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()))
}
