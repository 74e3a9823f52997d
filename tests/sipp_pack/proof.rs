//! Who registers is asked for proof (RFC 3261 §10, §22).
//!
//! The sipp of Debian 12 (3.6.1) reads the first challenge alone and knows MD5 only: it proves itself where MD5 is asked for first. What a peer that
//! knows either gets is proved in the `sip` crate and, the other way round, at Kamailio's registrar.

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

#[test]
fn who_reads_the_first_challenge_alone_and_knows_md5_proves_itself_where_that_is_asked_for_first() {
    let Some(pack) = Pack::start("unknown_callers = \"refuse\"\ndigest_algorithms = [\"MD5\", \"SHA-256\"]\n", PHONE) else { return };
    let with_auth = |scenario: Scenario| scenario.with_replaced("<recv response=\"401\" ", "<recv response=\"401\" auth=\"true\" ");
    let proof = |password: &str| format!("Expires: 600\n[authentication username=phone password={password}]\n");
    let asked = |name: &'static str| {
        let first = Scenario::new(name).outside("REGISTER", "Expires: 600\n", ("", ""));
        with_auth(first.expect(401, &[("WWW-Authenticate", "algorithm=MD5")]))
    };
    // A registrar is named without a user (RFC 3261 §10.2), and sipp proves no other address.
    let at_registrar = |scenario: Scenario| scenario.with_replaced("REGISTER sip:[service]@", "REGISTER sip:").calling("phone");
    for transport in [Transport::Udp, Transport::Tcp] {
        let proven = asked("proven").outside("REGISTER", &proof("zanzibar"), ("", ""));
        pack.run(transport, &at_registrar(proven.expect(200, &[("Contact", "expires=600")])));
        let wrong = asked("wrong").outside("REGISTER", &proof("zanzibarr"), ("", ""));
        pack.run(transport, &at_registrar(wrong.expect(401, &[("!body", "Contact:")])));
    }
}

#[test]
fn proof_by_an_algorithm_that_is_not_asked_for_is_none() {
    let Some(pack) = Pack::start("unknown_callers = \"refuse\"\ndigest_algorithms = [\"SHA-256\"]\n", PHONE) else { return };
    let first = Scenario::new("only").outside("REGISTER", "Expires: 600\n", ("", ""));
    let checks = [("WWW-Authenticate", "algorithm=SHA-256"), ("!body", "algorithm=MD5")];
    pack.run(Transport::Udp, &first.expect(401, &checks).calling("phone"));
}
