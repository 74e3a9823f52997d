//! Reads a log from its beginning and checks every link: for [`verify`], and whenever a log is opened.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::entry::{Hash, Link};
use super::error::{AuditError, Breach, BreachKind};
use super::segment;
use crate::domain::ids::OrgId;

/// The newest entry of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number; the first entry has 1.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
}

/// What was found in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Sound entries, up to the breach if there is one.
    pub entries: u64,
    /// The newest sound entry of each organisation.
    pub heads: BTreeMap<OrgId, Head>,
    /// Bytes of an unfinished line at the very end: an entry that was being written and was acknowledged to nobody.
    pub torn_bytes: u64,
    /// The first place at which the log is not what was written.
    pub breach: Option<Breach>,
}

/// Reads the log in `directory` and checks every entry.
///
/// # Errors
/// When the files cannot be read. A broken log is no error: it is what the report is for.
pub fn verify(directory: &Path) -> Result<VerifyReport, AuditError> {
    replay(directory).map(|replay| replay.report).map_err(|error| AuditError::Directory(Arc::new(error)))
}

/// A log that was read.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) report: VerifyReport,
    /// Number of the last segment and the length of its sound part.
    pub(super) last: Option<(u64, u64)>,
}

pub(super) fn replay(directory: &Path) -> io::Result<Replay> {
    let mut replay = Replay::default();
    let segments = segment::list(directory)?;
    let count = segments.len();
    for (index, (number, path)) in segments.into_iter().enumerate() {
        let place = Breach { segment: segment::name(number), line: 1, offset: 0, org: None, kind: BreachKind::MissingSegment };
        if number != index as u64 + 1 {
            replay.report.breach = Some(place);
            break;
        }
        replay.last = Some((number, 0));
        let mut reader = SegmentReader { replay: &mut replay, place, newest: index + 1 == count };
        reader.read(BufReader::with_capacity(READ_LEN, File::open(path)?))?;
        if replay.report.breach.is_some() {
            break;
        }
    }
    Ok(replay)
}

struct SegmentReader<'a> {
    replay: &'a mut Replay,
    place: Breach,
    newest: bool,
}

impl SegmentReader<'_> {
    fn read(&mut self, mut file: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let len = (&mut file).take(segment::MAX_LINE_LEN).read_until(b'\n', &mut line)? as u64;
            if len == 0 {
                return Ok(());
            }
            if line.pop_if(|last| *last == b'\n').is_none() {
                let mut rest = io::sink();
                let torn_bytes = len + io::copy(&mut file, &mut rest)?;
                if self.newest && len < segment::MAX_LINE_LEN {
                    self.replay.report.torn_bytes = torn_bytes;
                } else {
                    self.breach(BreachKind::Unfinished);
                }
                return Ok(());
            }
            if let Err(kind) = self.check(&line) {
                self.breach(kind);
                return Ok(());
            }
            self.place.line += 1;
            self.place.offset += len;
            self.replay.last = self.replay.last.map(|(number, _)| (number, self.place.offset));
        }
    }

    fn check(&mut self, line: &[u8]) -> Result<(), BreachKind> {
        let text = std::str::from_utf8(line).map_err(|_| BreachKind::Malformed)?;
        let (entry, hash) = segment::read_line(text).ok_or(BreachKind::Malformed)?;
        let link = Link::read(entry);
        self.place.org = link.as_ref().map(|link| link.org.clone());
        if Hash::of(entry.as_bytes()) != hash {
            return Err(BreachKind::WrongHash);
        }
        let link = link.ok_or(BreachKind::Malformed)?;
        let head = self.replay.report.heads.get(&link.org).copied().unwrap_or(Head::BEFORE_FIRST);
        let expected = head.seq + 1;
        if link.seq != expected {
            return Err(BreachKind::WrongSequence { expected, found: link.seq });
        }
        if link.prev_hash != head.hash {
            return Err(BreachKind::WrongPredecessor);
        }
        self.replay.report.heads.insert(link.org, Head { seq: link.seq, hash });
        self.replay.report.entries += 1;
        Ok(())
    }

    fn breach(&mut self, kind: BreachKind) {
        self.replay.report.breach = Some(Breach { kind, ..self.place.clone() });
    }
}

impl Head {
    /// Where an organisation's chain begins.
    pub(super) const BEFORE_FIRST: Self = Self { seq: 0, hash: Hash::NONE };
}

const READ_LEN: usize = 256 * 1_024;
