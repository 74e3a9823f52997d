//! Where the servers behind a URI are (RFC 3263 §4): which questions to ask of DNS, and in which order to try what comes back.
//!
//! A [`Location`] asks one question at a time; whoever drives it looks it up, and an answer that does not come is an empty one. Servers of
//! one priority are drawn by their weight (RFC 2782) with a seed that is passed in. A `sips` URI leads to TLS only. Bounds:
//! [`MAX_TARGETS`] targets, [`MAX_QUESTIONS`] questions; what is beyond is left out.
//!
//! Left out: numbers (ENUM), and the way of responses (§5), which follow their connection or the source of their request.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::header::{Scheme, Uri};
use crate::transport::Transport;

/// Looks for the servers of one URI.
#[derive(Debug)]
pub struct Location {
    host: String,
    secure: bool,
    spoken: Vec<Transport>,
    random: u64,
    asked: usize,
    waiting: VecDeque<Search>,
    found: Vec<Target>,
    /// Asked last, when nothing else has led to a server.
    fallback: Option<Search>,
}

/// What is to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// NAPTR records of a name.
    Naptr(String),
    /// SRV records of a name.
    Srv(String),
    /// A and AAAA records of a name.
    Addresses(String),
}

/// What was found; of another kind than asked for, it counts as nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// NAPTR records.
    Naptr(Vec<Naptr>),
    /// SRV records.
    Srv(Vec<Srv>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
}

/// As much of a NAPTR record as matters here (RFC 3403 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower ones first, strictly.
    pub order: u16,
    /// Lower ones first among equals.
    pub preference: u16,
    /// Such as `SIP+D2T`.
    pub service: String,
    /// The name of the SRV records.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones first.
    pub priority: u16,
    /// The share of those with the same priority.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its name.
    pub target: String,
}

/// One server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// By which transport.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Look this up.
    Ask(Question),
    /// These are the servers, the best first; none when the name leads nowhere.
    Found(Vec<Target>),
}

#[derive(Clone, Debug)]
enum Search {
    Naptr,
    Srv { transport: Transport, name: String },
    Addresses { transport: Transport, name: String, port: u16 },
}

impl Location {
    /// For a `sip` or `sips` URI; `spoken` are the transports that we can open, the best first.
    pub fn new(uri: &Uri, spoken: &[Transport], seed: u64) -> Self {
        let secure = uri.scheme() == Scheme::Sips;
        let fits = |transport: &Transport| transport.is_secure() || !secure;
        let spoken: Vec<Transport> = spoken.iter().copied().filter(fits).collect();
        let host = uri.param("maddr").unwrap_or_else(|| uri.host()).trim_matches(['[', ']']).to_ascii_lowercase();
        let mut location =
            Self { host, secure, spoken, random: seed | 1, asked: 0, waiting: VecDeque::new(), found: Vec::new(), fallback: None };
        location.begin(uri);
        location
    }

    /// What to do next; the same until an answer has come.
    pub fn step(&self) -> Step {
        match self.waiting.front() {
            Some(search) if self.asked < MAX_QUESTIONS && self.found.len() < MAX_TARGETS => Step::Ask(self.question(search)),
            _ => Step::Found(self.found.clone()),
        }
    }

    /// Takes the answer to the last question.
    pub fn answer(&mut self, answer: Answer) {
        self.asked += 1;
        match (self.waiting.pop_front(), answer) {
            (Some(Search::Naptr), Answer::Naptr(records)) => self.take_services(records),
            (Some(Search::Naptr), _) => self.take_services(Vec::new()),
            (Some(Search::Srv { transport, .. }), Answer::Srv(records)) => self.take_servers(transport, records),
            (Some(Search::Addresses { transport, port, .. }), Answer::Addresses(addresses)) => {
                for address in addresses.into_iter().take(MAX_TARGETS - self.found.len()) {
                    self.found.push(Target { transport, address: SocketAddr::new(address, port) });
                }
            }
            _ => {}
        }
        if self.waiting.is_empty() && self.found.is_empty() {
            self.waiting.extend(self.fallback.take());
        }
    }

    /// §4.1: the transport is named, or follows from what is known, or is asked for.
    fn begin(&mut self, uri: &Uri) {
        let named =
            uri.param("transport").and_then(Transport::from_uri_name).map(|transport| if self.secure { Transport::Tls } else { transport });
        let usual = if self.secure { Transport::Tls } else { Transport::Udp };
        if named.or(Some(usual)).is_some_and(|transport| !self.spoken.contains(&transport)) && (named.is_some() || self.spoken.is_empty()) {
            return;
        }
        let transport = named.unwrap_or(usual);
        if let Ok(address) = self.host.parse::<IpAddr>() {
            let address = SocketAddr::new(address, uri.port().unwrap_or(transport.default_port()));
            self.found.push(Target { transport, address });
            return;
        }
        let addresses = Search::Addresses { transport, name: self.host.clone(), port: uri.port().unwrap_or(transport.default_port()) };
        match (uri.port(), named) {
            (Some(_), _) => self.waiting.push_back(addresses),
            (None, Some(_)) => {
                self.waiting.push_back(self.service(transport));
                self.fallback = Some(addresses);
            }
            (None, None) => {
                self.waiting.push_back(Search::Naptr);
                self.fallback = Some(addresses);
            }
        }
    }

    /// §4.1: NAPTR says which transports there are and where; without it each of ours is asked for.
    fn take_services(&mut self, mut records: Vec<Naptr>) {
        records.sort_by_key(|record| (record.order, record.preference));
        let searches = records
            .into_iter()
            .filter_map(|record| Some(Search::Srv { transport: self.offered(&record.service)?, name: record.replacement }));
        let mut searches: Vec<Search> = searches.collect();
        if searches.is_empty() {
            searches.extend(self.spoken.iter().map(|&transport| self.service(transport)));
        }
        self.waiting.extend(searches);
    }

    /// The transport behind the service of a NAPTR record, if we speak it.
    fn offered(&self, service: &str) -> Option<Transport> {
        let transport = match service.to_ascii_uppercase().as_str() {
            "SIP+D2U" => Transport::Udp,
            "SIP+D2T" => Transport::Tcp,
            "SIPS+D2T" => Transport::Tls,
            _ => return None,
        };
        self.spoken.contains(&transport).then_some(transport)
    }

    fn service(&self, transport: Transport) -> Search {
        let service = match transport {
            Transport::Udp => "_sip._udp",
            Transport::Tls => "_sips._tcp",
            Transport::Tcp | Transport::Ws | Transport::Wss => "_sip._tcp",
        };
        Search::Srv { transport, name: format!("{service}.{}", self.host) }
    }

    /// RFC 2782: by priority, and within it at random by weight. A single target `.` says that there is no such service.
    fn take_servers(&mut self, transport: Transport, mut records: Vec<Srv>) {
        records.retain(|record| !matches!(record.target.as_str(), "" | "."));
        records.truncate(MAX_TARGETS);
        records.sort_by_key(|record| (record.priority, record.weight));
        let mut ordered = Vec::with_capacity(records.len());
        while let Some(priority) = records.first().map(|record| record.priority) {
            let among = records.iter().take_while(|record| record.priority == priority);
            let total: u64 = among.clone().map(|record| u64::from(record.weight)).sum();
            let drawn = self.draw(total + 1);
            let mut sum = 0;
            let chosen = among.clone().position(|record| {
                sum += u64::from(record.weight);
                sum >= drawn
            });
            ordered.push(records.remove(chosen.unwrap_or_default()));
        }
        // Before what is left to ask: they belong to the better service.
        for record in ordered.into_iter().rev() {
            self.waiting.push_front(Search::Addresses { transport, name: record.target, port: record.port });
        }
    }

    fn question(&self, search: &Search) -> Question {
        match search {
            Search::Naptr => Question::Naptr(self.host.clone()),
            Search::Srv { name, .. } => Question::Srv(name.clone()),
            Search::Addresses { name, .. } => Question::Addresses(name.clone()),
        }
    }

    /// xorshift64*, below `bound`: enough to share load.
    fn draw(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound.max(1)
    }
}

/// Servers that are tried at most.
pub const MAX_TARGETS: usize = 8;

/// Questions that are asked at most.
pub const MAX_QUESTIONS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

    /// A name server with these records; what was asked, and what was found.
    fn locate(uri: &str, spoken: &[Transport], seed: u64, zone: &[(&str, Answer)]) -> (Vec<String>, Vec<String>) {
        let mut location = Location::new(&Uri::parse(uri).unwrap(), spoken, seed);
        let mut asked = Vec::new();
        loop {
            match location.step() {
                Step::Ask(question) => {
                    let (kind, name) = match question {
                        Question::Naptr(name) => ("naptr", name),
                        Question::Srv(name) => ("srv", name),
                        Question::Addresses(name) => ("a", name),
                    };
                    let key = format!("{kind} {name}");
                    let answer = zone.iter().find(|(name, _)| *name == key).map(|(_, answer)| answer.clone());
                    asked.push(key);
                    location.answer(answer.unwrap_or(Answer::Addresses(Vec::new())));
                }
                Step::Found(targets) => {
                    return (asked, targets.iter().map(|target| format!("{} {}", target.transport.uri_name(), target.address)).collect());
                }
            }
        }
    }

    fn naptr(order: u16, service: &str, replacement: &str) -> Naptr {
        Naptr { order, preference: 50, service: service.to_owned(), replacement: replacement.to_owned() }
    }

    fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
        Srv { priority, weight, port, target: target.to_owned() }
    }

    fn address(last: u8) -> Answer {
        Answer::Addresses(vec![IpAddr::from([192, 0, 2, last])])
    }

    #[test]
    fn the_example_of_the_rfc_leads_to_its_servers_in_order() {
        let zone = [
            (
                "naptr example.com",
                Answer::Naptr(vec![naptr(90, "SIP+D2T", "_sip._tcp.example.com"), naptr(50, "SIPS+D2T", "_sips._tcp.example.com")]),
            ),
            ("srv _sips._tcp.example.com", Answer::Srv(vec![srv(1, 1, 5061, "s2.example.com"), srv(0, 1, 5062, "s1.example.com")])),
            ("srv _sip._tcp.example.com", Answer::Srv(vec![srv(0, 1, 5060, "s1.example.com")])),
            ("a s1.example.com", address(1)),
            ("a s2.example.com", address(2)),
        ];
        let (asked, found) = locate("sip:user@example.com", &ALL, 1, &zone);
        assert_eq!(asked.len(), 6);
        assert_eq!(found, ["tls 192.0.2.1:5062", "tls 192.0.2.2:5061", "tcp 192.0.2.1:5060"]);
        assert_eq!(locate("sip:user@example.com", &[Transport::Udp, Transport::Tcp], 1, &zone).1, ["tcp 192.0.2.1:5060"]);
    }

    #[test]
    fn without_naptr_each_transport_is_asked_for_and_without_srv_the_name_itself() {
        let zone = [("a example.com", address(9))];
        let (asked, found) = locate("sip:user@example.com", &ALL, 1, &zone);
        let expected =
            ["naptr example.com", "srv _sip._udp.example.com", "srv _sip._tcp.example.com", "srv _sips._tcp.example.com", "a example.com"];
        assert_eq!((asked, found), (expected.map(str::to_owned).to_vec(), vec!["udp 192.0.2.9:5060".to_owned()]));
    }

    #[test]
    fn what_the_uri_says_is_not_asked() {
        let zone = [("a example.com", address(9))];
        let found = |uri: &str| locate(uri, &ALL, 1, &zone);
        assert_eq!(found("sip:a@192.0.2.5"), (vec![], vec!["udp 192.0.2.5:5060".to_owned()]));
        assert_eq!(found("sips:a@192.0.2.5").1, ["tls 192.0.2.5:5061"]);
        assert_eq!(found("sip:a@[2001:db8::1]:5070;transport=tcp").1, ["tcp [2001:db8::1]:5070"]);
        assert_eq!(found("sip:a@example.com:5080"), (vec!["a example.com".to_owned()], vec!["udp 192.0.2.9:5080".to_owned()]));
        assert_eq!(found("sip:a@example.com;transport=tcp").0, ["srv _sip._tcp.example.com", "a example.com"]);
        assert_eq!(found("sip:a@host.example;maddr=192.0.2.7").1, ["udp 192.0.2.7:5060"]);
    }

    #[test]
    fn a_sips_uri_leads_to_tls_or_nowhere() {
        let zone =
            [("naptr example.com", Answer::Naptr(vec![naptr(1, "SIP+D2U", "_sip._udp.example.com")])), ("a example.com", address(9))];
        assert_eq!(locate("sips:a@example.com", &ALL, 1, &zone).1, ["tls 192.0.2.9:5061"]);
        assert_eq!(locate("sips:a@example.com", &[Transport::Udp], 1, &zone), (vec![], vec![]));
    }

    #[test]
    fn servers_of_one_priority_share_by_their_weight() {
        let zone = [
            (
                "srv _sip._udp.example.com",
                Answer::Srv(vec![srv(1, 75, 1, "a.example"), srv(1, 25, 2, "b.example"), srv(2, 0, 3, "c.example")]),
            ),
            ("a a.example", address(1)),
            ("a b.example", address(2)),
            ("a c.example", address(3)),
        ];
        let first = (0..4_000_u64).filter(|seed| {
            let found = locate("sip:u@example.com;transport=udp", &ALL, seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), &zone).1;
            assert_eq!(found.last().map(String::as_str), Some("udp 192.0.2.3:3"));
            found[0] == "udp 192.0.2.1:1"
        });
        let share = first.count();
        assert!((2_800..3_200).contains(&share), "{share} of 4000");
    }

    #[test]
    fn a_hostile_zone_has_bounds() {
        let many: Vec<Srv> = (0..200).map(|n| srv(n, 0, 5060, "a.example")).collect();
        let zone =
            [("srv _sip._udp.example.com", Answer::Srv(many)), ("a a.example", Answer::Addresses(vec![IpAddr::from([192, 0, 2, 1]); 50]))];
        let (asked, found) = locate("sip:u@example.com;transport=udp", &ALL, 1, &zone);
        assert!(asked.len() <= MAX_QUESTIONS && found.len() == MAX_TARGETS);
        let empty: Vec<Srv> = (0..200).map(|n| srv(n, 0, 5060, "none.example")).collect();
        let (asked, found) = locate("sip:u@example.com;transport=udp", &ALL, 1, &[("srv _sip._udp.example.com", Answer::Srv(empty))]);
        assert!(asked.len() <= MAX_QUESTIONS && found.is_empty());
    }
}
