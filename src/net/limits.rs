//! How many sockets the process may hold.
//!
//! Distributions start a process with 1,024 descriptors and let it raise that itself. Three a call make that 340
//! calls, and the 341st would fail in the middle: so the limit is raised at start, and a gateway that is allowed more
//! calls than descriptors says so before it takes the first.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to the most that the system allows this process.
///
/// # Errors
/// When the system refuses; the old limit then still holds.
pub fn raise_open_files() -> Result<OpenFiles, LimitError> {
    let old = getrlimit(Resource::Nofile);
    let (soft, hard) = (old.current.unwrap_or(u64::MAX), old.maximum.unwrap_or(u64::MAX));
    if soft < hard {
        let wanted = Rlimit { current: old.maximum, maximum: old.maximum };
        setrlimit(Resource::Nofile, wanted).map_err(|source| LimitError::Refused { old: soft, wanted: hard, source })?;
    }
    Ok(OpenFiles { old: soft, new: hard })
}

/// The limit of open files before and after it was raised; `u64::MAX` where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// What the process was started with.
    pub old: u64,
    /// What holds now.
    pub new: u64,
}

impl OpenFiles {
    /// Descriptors that `calls` calls need, with everything else that a gateway holds open.
    #[must_use]
    pub fn needed(calls: usize) -> u64 {
        u64::try_from(calls).unwrap_or(u64::MAX).saturating_mul(DESCRIPTORS_PER_CALL).saturating_add(DESCRIPTORS_BESIDE_CALLS)
    }

    /// Whether the limit lets `calls` calls run at once.
    #[must_use]
    pub fn suffice_for(&self, calls: usize) -> bool {
        self.new >= Self::needed(calls)
    }
}

/// Why the limit stayed as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The system refused.
    #[error("the limit of open files stays at {old}: {wanted} was refused")]
    Refused {
        /// What still holds.
        old: u64,
        /// What was asked for.
        wanted: u64,
        /// The system's reason.
        source: rustix::io::Errno,
    },
}

/// RTP, RTCP, the agent's connection, and a second one while a lost agent is dialled again.
const DESCRIPTORS_PER_CALL: u64 = 4;
/// Listeners, the store, the audit log, the runtimes' own, and the connections of the API.
const DESCRIPTORS_BESIDE_CALLS: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_ends_at_what_the_system_allows() {
        let limit = raise_open_files().unwrap();
        assert!(limit.new >= limit.old);
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), limit.new);
        assert_eq!(raise_open_files().unwrap(), OpenFiles { old: limit.new, new: limit.new });
    }

    #[test]
    fn a_thousand_calls_need_more_than_a_distribution_gives() {
        assert!(!OpenFiles { old: 1_024, new: 1_024 }.suffice_for(1_000));
        assert!(OpenFiles { old: 1_024, new: 524_288 }.suffice_for(1_000));
    }
}
