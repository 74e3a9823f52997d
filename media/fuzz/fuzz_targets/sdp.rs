//! A body that can be read is the same after writing and reading, and so is our answer to it; answered again it is the same.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;
use media::codec::Codec;
use media::sdp::{CodecPolicy, Keys, RemoteRule, SessionDescription, SrtpPolicy, TransportPolicy, accept, answer, offer, reanswer, reoffer};
use media::srtp::KeySeed;
use media::units::SampleRate;

fuzz_target!(|body: &[u8]| {
    let Ok(description) = SessionDescription::parse(body) else { return };
    let again = |description: &SessionDescription| SessionDescription::parse(description.to_string().as_bytes());
    // Written anew a body may be longer than it was: replacement characters are three octets.
    if description.to_string().len() <= 64 * 1024 {
        assert_eq!(again(&description).as_ref(), Ok(&description));
    }
    let l16 = Codec::L16 { rate: SampleRate::HZ_16000 };
    let codecs = CodecPolicy::new(vec![Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma, l16]);
    let codecs = CodecPolicy { comfort_noise: true, ..codecs };
    let remote = RemoteRule::Any { signalling: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)) };
    let transport = TransportPolicy {
        srtp: SrtpPolicy::Optional(KeySeed::new([1; 32])),
        ..TransportPolicy::new((Ipv4Addr::new(192, 0, 2, 1), 16_384).into(), 1, remote)
    };
    let ours = offer(&codecs, &transport);
    if let Ok(agreed) = answer(&description, &codecs, &transport) {
        assert_eq!(reanswer(&agreed, &description, &codecs, &transport).as_ref(), Ok(&agreed));
    }
    for agreed in [answer(&description, &codecs, &transport), accept(&ours, &description, &codecs, &transport)].into_iter().flatten() {
        assert_eq!(again(&agreed.local).as_ref(), Ok(&agreed.local));
        assert!((10..=60).contains(&agreed.ptime.as_millis()));
        assert!(!agreed.remote_rtp.ip().is_multicast() && !agreed.remote_rtp.ip().is_loopback());
        assert!(!agreed.send || !agreed.remote_rtp.ip().is_unspecified());
        let later = reoffer(&agreed, &codecs, &transport, Keys::Keep);
        assert_eq!(later.media.len(), agreed.local.media.len());
        assert_eq!(again(&later).as_ref(), Ok(&later));
    }
});
