//! What was found, check by check.

use serde::Serialize;

/// All that was found, in the order of the checks.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// One for each check that was made.
    pub findings: Vec<Finding>,
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its name: a contract, for whoever reads it by program.
    pub check: &'static str,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed {
        /// What would have been right.
        expected: &'static str,
        /// What was there instead.
        found: String,
    },
    /// It was not made.
    Skipped {
        /// Why not.
        reason: &'static str,
    },
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(|finding| matches!(finding.outcome, Outcome::Failed { .. }))
    }

    /// Names of the checks that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Failed { .. }));
        failed.map(|finding| finding.check).collect()
    }

    pub(super) fn pass(&mut self, check: &'static str) {
        self.findings.push(Finding { check, outcome: Outcome::Passed });
    }

    pub(super) fn fail(&mut self, check: &'static str, expected: &'static str, found: String) {
        self.findings.push(Finding { check, outcome: Outcome::Failed { expected, found } });
    }

    pub(super) fn skip(&mut self, check: &'static str, reason: &'static str) {
        self.findings.push(Finding { check, outcome: Outcome::Skipped { reason } });
    }

    pub(super) fn add(&mut self, check: &'static str, holds: bool, expected: &'static str, found: &str) {
        if holds { self.pass(check) } else { self.fail(check, expected, found.to_owned()) }
    }
}

impl std::fmt::Display for Report {
    /// A line for each check.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, Finding { check, outcome }) in self.findings.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            match outcome {
                Outcome::Passed => write!(f, "pass  {check}")?,
                Outcome::Failed { expected, found } => write!(f, "FAIL  {check}: expected: {expected}; found: {found}")?,
                Outcome::Skipped { reason } => write!(f, "skip  {check}: {reason}")?,
            }
        }
        Ok(())
    }
}
