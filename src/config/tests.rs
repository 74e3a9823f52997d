use std::collections::BTreeSet;

use super::*;
use crate::agent::config::WireFormat;
use crate::call::config::AnswerRule;
use crate::signalling::trunks::Directory;

fn from(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_sources(text, variables)
}

fn faulty_keys(text: &str, variables: &[(&str, &str)]) -> BTreeSet<String> {
    from(text, variables).unwrap_err().faults().iter().map(|fault| fault.key.clone()).collect()
}

fn set(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn the_embedded_file_shows_the_defaults_and_adds_the_simulator() {
    let embedded = from(DEFAULTS, &[]).unwrap();
    let bare = from("", &[]).unwrap();
    assert_eq!(embedded.number("1234").map(|number| number.agent.as_str()), Some("simulator"));
    assert_eq!(embedded.simulator.listen, Some("127.0.0.1:9202".parse().unwrap()));
    assert_eq!(Config { agents: BTreeMap::new(), numbers: BTreeMap::new(), simulator: bare.simulator.clone(), ..embedded }, bare);
}

#[test]
fn every_shipped_file_is_valid() {
    let read = |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)).unwrap();
    for name in ["default.toml", "development.toml", "production.example.toml", "bench.toml"] {
        if let Err(errors) = from(&read(name), &[]) {
            panic!("{name}: {errors}");
        }
    }
}

#[test]
fn the_benchmarks_run_on_their_agreed_settings() {
    let bench = from(include_str!("../../config/bench.toml"), &[]).unwrap();
    assert_eq!(bench.sip.listen, "127.0.0.1:5090".parse::<std::net::SocketAddr>().unwrap());
    assert_eq!((bench.rtp.port_min, bench.rtp.port_max, bench.calls.max_concurrent), (16_384, 32_767, 1_000));
    assert_eq!(bench.sip.max_calls_per_second, 0);
    let agent = |number: &str| bench.number(number).and_then(|entry| bench.agents.get(&entry.agent)).unwrap();
    assert_eq!((agent("1000").format, agent("1001").format), (WireFormat::Pcm24k, WireFormat::Pcmu));
    assert_eq!((agent("1000").url.as_str(), agent("1001").url.as_str()), ("ws://127.0.0.1:9202/", "ws://127.0.0.1:9202/"));
    assert!(bench.numbers.values().all(|number| number.answer == AnswerRule::WhenAgentReady));
    assert!(bench.number("1002").is_none());
}

#[test]
fn a_misspelt_key_or_section_is_refused_with_a_suggestion() {
    let errors = from("[sip]\nlisten_on = '127.0.0.1:1'\nlisen = '127.0.0.1:1'\n[rpt]\n", &[]).unwrap_err();
    let text = errors.to_string();
    assert!(text.contains("sip.lisen = (set): there is no such setting. did you mean listen?"), "{text}");
    assert!(text.contains("rpt = (set): there is no such setting. did you mean rtp?"), "{text}");
    assert_eq!(errors.faults().len(), 3);
}

#[test]
fn a_section_within_a_section_is_set_key_by_key_from_the_environment() {
    let file = "[sip.limits]\nconnections = 100\nidle_s = 600\n";
    let config = from(file, &[("AURICLE__SIP__LIMITS__IDLE_S", "900"), ("AURICLE__SIP__TLS__AUTHORITIES", "/trunks.crt")]).unwrap();
    assert_eq!((config.sip.limits.connections, config.sip.limits.idle_s), (100, 900));
    assert_eq!(config.sip.tls.authorities, Some("/trunks.crt".into()));
    assert!(from(file, &[("AURICLE__SIP__LIMITS__IDLE_S", "long")]).is_err());
}

#[test]
fn every_wrong_type_is_named_at_once() {
    let text = "[calls]\nmax_concurrent = 'many'\nrealtime = 1\n[sip]\nlisten = 'here'\n[log]\nformat = 'xml'\n[http]\nlisten = 8080\nagents = 3\n";
    let expected = ["calls.max_concurrent", "calls.realtime", "sip.listen", "log.format", "http.listen", "http.agents"];
    assert_eq!(faulty_keys(text, &[]), set(&expected));
}

#[test]
fn every_broken_bound_is_named_at_once() {
    let text = "[calls]\nmax_concurrent = 0\nrtp_timeout_s = 1\n[rtp]\ndscp = 99\n[log]\nlevel = 'loud'\n[agents.a]\nurl = 'http://x'\n[numbers.1]\nagent = 'b'\n";
    let expected = ["calls.max_concurrent", "calls.rtp_timeout_s", "rtp.dscp", "log.level", "agents.a.url", "numbers.1.agent"];
    assert_eq!(faulty_keys(text, &[]), set(&expected));
}

#[test]
fn codecs_and_protection_are_read_and_their_faults_named_where_they_stand() {
    let agents = "[agents.a]\nurl = 'ws://127.0.0.1/'\n";
    let numbers = |codecs: &str| format!("[numbers.1]\nagent = 'a'\ncodecs = {codecs}\n");
    let text = format!("[rtp]\nsrtp = 'required'\ncodecs = ['opus', 'l16/16000']\ncodec_order = 'own'\n{agents}{}", numbers("['g722']"));
    let config = from(&text, &[]).unwrap();
    assert_eq!((config.rtp.srtp, config.rtp.codecs.codecs().len()), (crate::leg::config::SrtpRule::Required, 2));
    assert_eq!(config.number("1").and_then(|number| Some(number.codecs.as_ref()?.codecs())), Some(vec![media::codec::Codec::G722]));
    let text = format!("[rtp]\ncodecs = ['speex']\n{agents}{}", numbers("['g729']"));
    assert_eq!(faulty_keys(&text, &[]), set(&["rtp.codecs", "numbers.1.codecs"]));
    assert_eq!(faulty_keys("[rtp]\nsrtp = 'maybe'\ncodec_order = 'mine'\n", &[]), set(&["rtp.srtp", "rtp.codec_order"]));
    let set_outside = from("", &[("AURICLE__RTP__SRTP", "optional"), ("AURICLE__RTP__CODECS", r#"["pcma"]"#)]).unwrap();
    assert_eq!(set_outside.rtp.codecs.codecs(), [media::codec::Codec::Pcma]);
}

#[test]
fn the_environment_overrides_the_file_and_reads_numbers_and_lists() {
    let variables = [
        ("AURICLE__CALLS__MAX_CONCURRENT", "7"),
        ("AURICLE__OUTBOUND__ALLOW", r#"["192.0.2.0/24"]"#),
        ("AURICLE__AGENTS__DESK__MODEL", "42"),
        ("AURICLE__HTTP__LISTEN", "127.0.0.1:9999"),
        ("PATH", "/bin"),
    ];
    let config = from("[calls]\nmax_concurrent = 9\n[agents.desk]\nurl = 'ws://127.0.0.1/'\n", &variables).unwrap();
    assert_eq!(config.calls.max_concurrent, 7);
    assert!(config.outbound.allows("192.0.2.200".parse().unwrap()));
    assert_eq!(config.agents.get("desk").and_then(|agent| agent.model.as_deref()), Some("42"));
    assert_eq!(config.http.listen.port(), 9_999);
}

#[test]
fn a_fault_in_the_environment_is_named_like_one_in_the_file() {
    assert_eq!(
        faulty_keys("", &[("AURICLE__SIP__LISTEN", "x"), ("AURICLE__SIP__LISEN", "x"), ("AURICLE__SIPP", "x")]),
        set(&["sip.listen", "sip.lisen", "sipp"])
    );
}

#[test]
fn a_secret_is_taken_from_the_environment_only_and_never_shown() {
    let secret = "8f1c0b7e6a5d4c3b2a190817f6e5d4c3";
    let refused = from(&format!("[http]\nadmin_secret = '{secret}'\n"), &[]).unwrap_err();
    assert!(refused.to_string().contains("AURICLE__HTTP__ADMIN_SECRET"), "{refused}");
    let taken = from("", &[("AURICLE__HTTP__ADMIN_SECRET", secret)]).unwrap();
    for shown in [refused.to_string(), format!("{refused:?}"), format!("{taken:?}")] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let short = from("", &[("AURICLE__HTTP__ADMIN_SECRET", "too-short-one")]).unwrap_err();
    assert!(!short.to_string().contains("too-short-one"), "{short}");
}

#[test]
fn too_few_ports_for_the_expected_calls_are_refused_with_the_reckoning() {
    let text = "[rtp]\nport_min = 20000\nport_max = 20199\n[calls]\nmax_concurrent = 100\nexpected_calls_per_second = 2\nexpected_call_length_s = 60\n";
    let errors = from(text, &[]).unwrap_err();
    assert!(errors.to_string().contains("2 calls a second, each holding a pair for 90 s, need 180 pairs"), "{errors}");
    assert_eq!(errors.faults().len(), 1);
    assert!(from(&text.replace("20199", "20359"), &[]).is_ok());
}

#[test]
fn listeners_that_would_meet_are_refused() {
    let text = "[sip]\nlisten = '127.0.0.1:20000'\n[simulator]\nlisten = '127.0.0.1:8080'\n[http]\nlisten = '0.0.0.0:8080'\n";
    assert_eq!(faulty_keys(text, &[]), set(&["sip.listen", "simulator.listen"]));
}

#[test]
fn a_text_that_is_no_toml_is_refused_with_its_line() {
    let errors = from("[sip]\n\nlisten = \n", &[]).unwrap_err();
    assert!(matches!(errors, ConfigErrors::Syntax { line: 3, .. }), "{errors}");
}

#[test]
fn the_audit_log_lives_in_the_store_unless_it_is_told_otherwise() {
    assert_eq!(from("[store]\npath = '/a'\n", &[]).unwrap().audit_path(), PathBuf::from("/a/audit"));
    assert_eq!(from("[store]\npath = '/a'\n[audit]\npath = '/b'\n", &[]).unwrap().audit_path(), PathBuf::from("/b"));
}

#[test]
fn every_profile_of_a_trunk_is_a_configuration_that_stands() {
    let profiles: Vec<&str> =
        include_str!("../../docs/trunks.md").split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(profiles.len(), 5);
    for profile in profiles {
        match from(profile, &[]) {
            Ok(config) => {
                let directory = Directory::new(config.directory(), |_| Some("password".to_owned())).unwrap();
                assert_eq!(directory.trunks().count(), 1, "{profile}");
            }
            Err(errors) => panic!("{profile}: {errors}"),
        }
    }
}

#[test]
fn what_trunks_routes_tenants_and_numbers_name_must_be_there() {
    let text = "[outbound]\nroutes = [{ prefix = '+49', trunks = ['nowhere'] }]\n[tenants.praxis]\n[agents.a]\nurl = 'ws://127.0.0.1/'\n\
                [numbers.1]\nagent = 'a'\ntrunk = 'nobody'\n[trunks.a]\nregister = true\nprobe_s = 9999\n";
    let expected = ["outbound.routes", "tenants.praxis", "numbers.1.trunk", "trunks.a.register", "trunks.a.probe_s"];
    assert_eq!(faulty_keys(text, &[]), set(&expected));
}

#[test]
fn a_number_of_a_covered_organisation_needs_an_agent_with_an_agreement() {
    let with = |agreement: &str| {
        let agents = format!("[agents.a]\nurl = \"wss://a.example/\"\n[agents.b]\nurl = \"wss://b.example/\"\n{agreement}\n");
        format!("{agents}[numbers.1]\nagent = \"a\"\nfallback_agents = [\"b\"]\n[egress]\ncovered = [\"org_default\"]\n")
    };
    assert_eq!(faulty_keys(&with(""), &[]), set(&["numbers.1.agent"]));
    for agreement in ["agreement = [\"org_default\"]", "agreement = \"all\""] {
        assert!(from(&with(agreement), &[]).is_ok());
    }
}

#[test]
fn nobody_is_to_break_the_silence_who_cannot_be_asked_to() {
    let text = "[agents.a]\nurl = 'wss://a.example/'\n[agents.b]\nprotocol = 'twilio'\nformat = 'pcmu'\nurl = 'wss://b.example/'\n\
                [agents.c]\nprotocol = 'vonage'\nformat = 'pcm8k'\nurl = 'wss://c.example/'\nconduct = { idle_after_s = 10 }\n\
                [numbers.1]\nagent = 'a'\nfallback_agents = ['b']\nconduct = { idle_after_s = 10 }\n\
                [numbers.2]\nagent = 'a'\nconduct = { idle_after_s = 10 }\n\
                [numbers.3]\nagent = 'b'\nconduct = { max_call_s = 60 }\n";
    assert_eq!(faulty_keys(text, &[]), set(&["agents.c.conduct.idle_after_s", "numbers.1.conduct.idle_after_s"]));
}

#[test]
fn an_agent_takes_over_once_and_not_from_itself() {
    let with = |fallbacks: &str| {
        let text = format!("[agents.a]\nurl = \"wss://a.example/\"\n[numbers.1]\nagent = \"a\"\nfallback_agents = {fallbacks}\n");
        from(&text, &[]).is_ok()
    };
    assert!(with("[]") && !with("[\"a\"]") && !with("[\"b\"]"));
}
