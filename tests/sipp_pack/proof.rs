//! Who registers is asked for proof (RFC 3261 §10, §22).
//!
//! Left out: proving by sipp itself. The one of Debian 12 (3.6.1) reads the first challenge alone, which asks for SHA-256, and knows MD5 only; what
//! a peer that knows either gets is proved in the `sip` crate and, the other way round, at Kamailio's registrar.

use sip::transport::Transport;

use crate::pack::Pack;
use crate::scenario::Scenario;

const PHONE: &str = "[trunks.phone]\nlogin = \"phone\"\nlogin_password_env = \"AURICLE_TEST_TRUNK_PASSWORD\"\nregisters = true\n";

#[test]
fn who_registers_is_asked_for_proof_whether_the_name_is_known_or_not() {
    let Some(pack) = Pack::start("unknown_callers = \"refuse\"\n", PHONE) else { return };
    for transport in [Transport::Udp, Transport::Tcp] {
        for name in ["phone", "stranger"] {
            let scenario = Scenario::new("stranger").outside("REGISTER", "Expires: 600\n", ("", ""));
            let checks = [("WWW-Authenticate", "realm=\"auricle\".*algorithm=SHA-256"), ("!body", "Contact:")];
            pack.run(transport, &scenario.calling(name).expect(401, &checks));
        }
    }
}

#[test]
fn a_call_by_somebody_unknown_is_asked_for_proof_and_leaves_no_record() {
    let Some(pack) = Pack::start("unknown_callers = \"refuse\"\n", PHONE) else { return };
    for transport in [Transport::Udp, Transport::Tcp] {
        pack.run(transport, &Scenario::new("unproven").invite("").maybe(100).expect(401, &[("WWW-Authenticate", "nonce=")]).ack_refusal());
    }
    assert!(pack.gateway.calls().is_empty());
}
