//! What `call::launch` draws and looks up for a new call, drawn from the seed here.

use std::net::SocketAddr;
use std::time::Instant;

use auricle::call::journal::CallIdentity;
use auricle::domain::call_record::Direction;
use auricle::domain::ids::{CallId, OrgId};
use auricle::domain::redacted::Redacted;
use auricle::leg::plan::LegPlan;
use chrono::{DateTime, Utc};
use media::codec::Codec;
use media::frame::AudioFormat;
use media::rtcp::{NtpBase, ReporterConfig};
use media::rtp::RtpSeed;
use media::sdp::{RemoteRule, TransportPolicy};
use media::units::{RtpTimestamp, SequenceNumber, Ssrc};

use crate::caller::{CALLER_SIP, GATEWAY_SIP, codecs};
use crate::clock::{Random, ms};

pub(crate) fn leg(key: u64, now: Instant, random: &mut Random) -> LegPlan {
    let rtp = rtp_of(key);
    let seed = RtpSeed {
        ssrc: Ssrc(random.next() as u32),
        sequence: SequenceNumber(random.next() as u16),
        timestamp: RtpTimestamp(random.next() as u32),
    };
    let base = NtpBase { at: now, ntp: 0xEE00_0000_0000_0000 };
    let reporter = ReporterConfig::new(seed.ssrc, "simulated".to_owned(), Codec::Pcmu, base, random.next());
    LegPlan {
        transport: TransportPolicy::new(rtp, key, RemoteRule::Signalling(CALLER_SIP.ip())),
        gap_wait_max: ms(40),
        ..LegPlan::new(codecs(), rtp, seed, reporter, AudioFormat::Ulaw8k)
    }
}

pub(crate) fn identity(direction: Direction) -> CallIdentity {
    CallIdentity {
        id: CallId::random(),
        org: OrgId::default_org(),
        direction,
        from: Redacted::new("alice".to_owned()),
        to: Redacted::new("1000".to_owned()),
        verification: None,
        arrival: None,
        agent: "scripted".to_owned(),
        agent_version: None,
    }
}

/// The time of day at which every simulated call begins.
pub(crate) fn wall() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a time in range")
}

/// Whether a datagram to `local` is for the call of this key.
pub(crate) fn owns(key: u64, local: SocketAddr) -> bool {
    local == rtp_of(key)
}

fn rtp_of(key: u64) -> SocketAddr {
    SocketAddr::new(GATEWAY_SIP.ip(), 20_000 + 2 * key as u16)
}
