//! What one section cannot say alone: each module's own checks, and those that concern several.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Config;
use crate::call::config::name_fault;
use crate::domain::ids::OrgId;
use crate::domain::setting::SettingFault;
use crate::signalling::stir::{SignRule, StirRule};
use crate::signalling::transport::config::Listener;
use crate::signalling::trunks::Routes;

/// Every setting that cannot stand.
pub(super) fn faults(config: &Config) -> Vec<SettingFault> {
    let own = [
        ("sip", config.sip.faults()),
        ("stir", config.stir.faults()),
        ("rtp", config.rtp.faults()),
        ("calls", config.calls.faults()),
        ("outbound", config.outbound.faults()),
        ("simulator", config.simulator.faults()),
        ("http", config.http.faults()),
        ("webrtc", config.webrtc.faults()),
        ("https_client", config.https_client.faults()),
        ("store", config.store.faults()),
        ("identity", config.identity.faults()),
        ("mail", config.mail.faults()),
        ("hep", config.hep.faults()),
        ("webhooks", config.webhooks.faults()),
        ("log", config.log.faults()),
    ];
    let mut faults: Vec<_> = own.into_iter().flat_map(|(section, own)| own.into_iter().map(|fault| fault.under(section))).collect();
    for (name, agent) in &config.agents {
        faults.extend(agent.faults().into_iter().map(|fault| fault.under(&format!("agents.{name}"))));
    }
    trunks(config, &mut faults);
    numbers(config, &mut faults);
    rtp_pairs(config, &mut faults);
    ports(config, &mut faults);
    if config.deployment.environment.is_guarded() {
        guarded(config, &mut faults);
    }
    faults
}

fn trunks(config: &Config, faults: &mut Vec<SettingFault>) {
    let mut logins = BTreeSet::new();
    for (name, trunk) in &config.trunks {
        let key = format!("trunks.{name}");
        faults.extend(name_fault(&key, name));
        if trunk.login.as_ref().is_some_and(|login| !logins.insert(login)) {
            faults.push(SettingFault::new(format!("{key}.login"), "(set)", "must be of one trunk alone", "choose another name"));
        }
        if trunk.stir != StirRule::Off && config.stir.authorities.is_none() {
            let mend = "set stir.authorities, or take it out";
            faults.push(SettingFault::new(format!("{key}.stir"), "(set)", "needs stir.authorities", mend));
        }
        if trunk.sign != SignRule::Off && !config.stir.signs() {
            let mend = "set stir.certificate, or take it out";
            faults.push(SettingFault::new(format!("{key}.sign"), "(set)", "needs stir.certificate", mend));
        }
        faults.extend(trunk.faults().into_iter().map(|fault| fault.under(&key)));
    }
    for (org, tenant) in &config.tenants {
        let key = format!("tenants.{org}");
        if org.parse::<OrgId>().is_err() {
            faults.push(SettingFault::new(&key, "(set)", "must be an organisation, as in org_default", "write its identifier"));
        }
        faults.extend(tenant.faults().into_iter().map(|fault| fault.under(&key)));
    }
    let known: Vec<_> = config.trunks.keys().map(String::as_str).collect();
    faults.extend(Routes::faults(&config.outbound.routes, &known).into_iter().map(|fault| fault.under("outbound")));
}

fn numbers(config: &Config, faults: &mut Vec<SettingFault>) {
    let agents: Vec<_> = config.agents.keys().map(String::as_str).collect();
    let trunks: Vec<_> = config.trunks.keys().map(String::as_str).collect();
    for (number, entry) in &config.numbers {
        let key = format!("numbers.{number}");
        faults.extend(name_fault(&key, number));
        faults.extend(entry.faults(&agents, &trunks).into_iter().map(|fault| fault.under(&key)));
        let known: Vec<_> = entry.agents().iter().filter_map(|name| config.agents.get(name)).collect();
        faults.extend(entry.conduct_faults(known.iter().map(|agent| agent.protocol)).into_iter().map(|fault| fault.under(&key)));
        if !known.is_empty() && !known.iter().any(|agent| config.egress.permits(&entry.org, agent.agreement.as_ref())) {
            let bound = "needs an agent with an agreement, since egress.covered has its organisation";
            let mend = "set agreement on an agent with which there is one, or name another agent";
            faults.push(SettingFault::new(format!("{key}.agent"), format!("{:?}", entry.agent), bound, mend));
        }
    }
}

/// A pair is taken for the length of its call and rests in quarantine after it.
fn rtp_pairs(config: &Config, faults: &mut Vec<SettingFault>) {
    let (rtp, calls) = (&config.rtp, &config.calls);
    let pairs = u64::from(rtp.pairs());
    let rate = u64::from(calls.expected_calls_per_second);
    let held_s = u64::from(rtp.quarantine_s) + u64::from(calls.expected_call_length_s);
    let key = "rtp.port_min to rtp.port_max";
    let found = format!("{pairs} pairs");
    if pairs < rate * held_s {
        let bound = format!("{rate} calls a second, each holding a pair for {held_s} s, need {} pairs", rate * held_s);
        let mend = "widen the range, or lower calls.expected_calls_per_second or calls.expected_call_length_s";
        faults.push(SettingFault::new(key, &found, bound, mend));
    }
    if pairs < u64::from(calls.max_concurrent) {
        let bound = format!("calls.max_concurrent needs {} pairs", calls.max_concurrent);
        faults.push(SettingFault::new(key, found, bound, "widen the range or lower calls.max_concurrent"));
    }
}

/// What must not be where there may be patients.
fn guarded(config: &Config, faults: &mut Vec<SettingFault>) {
    let environment = config.deployment.environment.name();
    let mut refuse = |key: String, value: String, bound: &str, mend: &str| {
        faults.push(SettingFault::new(key, value, format!("{bound} in {environment}"), mend));
    };
    if let Some(simulator) = config.simulator.listen {
        refuse("simulator.listen".to_owned(), simulator.to_string(), "must not be set", "take the section [simulator] out");
    }
    for (name, agent) in &config.agents {
        if agent.url.starts_with("ws://") && !is_local(&agent.url) {
            let mend = "write wss://, so that nobody on the way hears the patient";
            refuse(format!("agents.{name}.url"), agent.url.clone(), "must be reached by TLS", mend);
        }
    }
    if !config.http.listen.ip().is_loopback() && config.http.certificate.is_none() {
        let mend = "set http.certificate and http.private_key, or listen on loopback behind a proxy";
        refuse("http.listen".to_owned(), config.http.listen.to_string(), "must have TLS when other hosts reach it", mend);
    }
    for origin in config.http.cors_origins.iter().filter(|origin| !origin.starts_with("https://")) {
        refuse("http.cors_origins".to_owned(), format!("{origin:?}"), "must be https://", "serve the application by TLS");
    }
    if config.https_client.plain_http {
        refuse("https_client.plain_http".to_owned(), "true".to_owned(), "must not be set", "take it out: webhooks go by TLS");
    }
    if let Some(fault) = config.hep.guarded_fault() {
        refuse("hep.collector".to_owned(), fault.value, "must not be told by default what it says in the clear", &fault.mend);
    }
    if ["debug", "trace"].iter().any(|level| config.log.level.contains(level)) {
        refuse("log.level".to_owned(), config.log.level.clone(), "must not be debug or trace", "write info");
    }
}

/// Whether a WebSocket address is on this host.
fn is_local(url: &str) -> bool {
    let host = url.trim_start_matches("ws://");
    ["127.", "[::1]", "localhost"].iter().any(|local| host.starts_with(local))
}

/// Two listeners on one port would fail only when the second opens.
fn ports(config: &Config, faults: &mut Vec<SettingFault>) {
    let range = config.rtp.port_min..=config.rtp.port_max;
    if range.contains(&config.sip.listen.port()) && overlap(config.sip.listen.ip(), config.rtp.address) {
        let bound = format!("must lie outside the RTP range, {} to {}", range.start(), range.end());
        faults.push(SettingFault::new("sip.listen", config.sip.listen, bound, "move one of them"));
    }
    let udp = |listener: &&Listener| listener.transport == sip::transport::Transport::Udp;
    for listener in config.sip.listeners.iter().filter(udp) {
        if range.contains(&listener.address.port()) && overlap(listener.address.ip(), config.rtp.address) {
            let bound = format!("must lie outside the RTP range, {} to {}", range.start(), range.end());
            faults.push(SettingFault::new("sip.listeners", listener.address, bound, "move one of them"));
        }
    }
    let http = config.http.listen;
    let met = config.simulator.listen.filter(|simulator| simulator.port() == http.port() && overlap(simulator.ip(), http.ip()));
    if let Some(simulator) = met {
        faults.push(SettingFault::new("simulator.listen", simulator, "is the address of http.listen", "choose another port"));
    }
}

fn overlap(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}
