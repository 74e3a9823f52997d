//! A body that can be read is the same after writing and reading, and so is our answer to it.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::sdp::{CodecPolicy, RemoteRule, SessionDescription, TransportPolicy, accept, answer, offer};

fuzz_target!(|body: &[u8]| {
    let Ok(description) = SessionDescription::parse(body) else { return };
    let again = |description: &SessionDescription| SessionDescription::parse(description.to_string().as_bytes());
    // Written anew a body may be longer than it was: replacement characters are three octets.
    if description.to_string().len() <= 64 * 1024 {
        assert_eq!(again(&description).as_ref(), Ok(&description));
    }
    let codecs = CodecPolicy { codecs: vec![Codec::Pcmu, Codec::Pcma], telephone_event: true, ptime: Duration::from_millis(20) };
    let transport = TransportPolicy {
        rtp: (Ipv4Addr::new(192, 0, 2, 1), 16_384).into(),
        session_id: 1,
        session_version: 1,
        remote: RemoteRule::Any { signalling: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)) },
    };
    let ours = offer(&codecs, &transport);
    for agreed in [answer(&description, &codecs, &transport), accept(&ours, &description, &codecs, &transport)].into_iter().flatten() {
        assert_eq!(again(&agreed.local).as_ref(), Ok(&agreed.local));
        assert!((10..=60).contains(&agreed.ptime.as_millis()));
        assert!(!agreed.remote_rtp.ip().is_multicast() && !agreed.remote_rtp.ip().is_loopback());
        assert!(!agreed.send || !agreed.remote_rtp.ip().is_unspecified());
    }
});
