//! Names, looked up without ever blocking a thread: NAPTR, SRV, A and AAAA, with the cache that their lifetimes allow.
//!
//! A look-up that fails, or takes too long, says nothing: whoever asked goes on without it. What the records mean is the business of
//! whoever asks.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};

/// A resolver; clones share its cache.
#[derive(Clone, Debug)]
pub struct Names {
    resolver: TokioResolver,
}

/// As much of a NAPTR record as is asked for here: that of a terminal `s`, which leads to SRV records (RFC 3403).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaptrRecord {
    /// Lower ones first, strictly.
    pub order: u16,
    /// Lower ones first among equals.
    pub preference: u16,
    /// What is served there.
    pub service: String,
    /// Where the SRV records are.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrvRecord {
    /// Lower ones first.
    pub priority: u16,
    /// The share of those with the same priority.
    pub weight: u16,
    /// Its port.
    pub port: u16,
    /// Its name.
    pub target: String,
}

impl Names {
    /// Asks `servers`, or those of the system when there are none; each question is given up after `timeout`.
    ///
    /// # Errors
    /// When the resolver cannot be made.
    pub fn new(servers: &[SocketAddr], timeout: Duration) -> io::Result<Self> {
        let mut builder = if servers.is_empty() {
            // Without a resolv.conf that can be read, the name server is on this machine (resolv.conf(5)), or names lead nowhere.
            TokioResolver::builder_tokio().unwrap_or_else(|_| here())
        } else {
            let configs = servers.iter().map(|server| {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                NameServerConfig::new(server.ip(), true, connections.to_vec())
            });
            TokioResolver::builder_with_config(ResolverConfig::from_name_servers(configs.collect()), TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.timeout = timeout;
        options.attempts = 1;
        options.cache_size = CACHED;
        // A name that has gone is looked for again soon, and one that is said to last for ever is not believed.
        options.negative_max_ttl = Some(NEGATIVE);
        options.positive_max_ttl = Some(POSITIVE);
        Ok(Self { resolver: builder.build().map_err(io::Error::other)? })
    }

    /// NAPTR records that lead to SRV records.
    pub async fn naptr(&self, name: &str) -> Vec<NaptrRecord> {
        let found = self.records(name, RecordType::NAPTR).await;
        let records = found.into_iter().filter_map(|record| match record {
            RData::NAPTR(record) if record.flags.eq_ignore_ascii_case(b"s") => Some(NaptrRecord {
                order: record.order,
                preference: record.preference,
                service: String::from_utf8_lossy(&record.services).into_owned(),
                replacement: text(&record.replacement),
            }),
            _ => None,
        });
        records.collect()
    }

    /// SRV records.
    pub async fn srv(&self, name: &str) -> Vec<SrvRecord> {
        let found = self.records(name, RecordType::SRV).await;
        let records = found.into_iter().filter_map(|record| match record {
            RData::SRV(record) => {
                Some(SrvRecord { priority: record.priority, weight: record.weight, port: record.port, target: text(&record.target) })
            }
            _ => None,
        });
        records.collect()
    }

    /// Addresses, of both IP versions when `v6` allows; IPv4 first, which more of a telephone network speaks.
    pub async fn addresses(&self, name: &str, v6: bool) -> Vec<IpAddr> {
        let four = self.records(name, RecordType::A);
        let six = async { if v6 { self.records(name, RecordType::AAAA).await } else { Vec::new() } };
        let (four, six) = tokio::join!(four, six);
        let addresses = four.into_iter().chain(six).filter_map(|record| match record {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        });
        addresses.collect()
    }

    /// The name is whole: what the machine would search in its own domain is nobody's trunk.
    async fn records(&self, name: &str, kind: RecordType) -> Vec<RData> {
        let Ok(mut name) = Name::from_utf8(name) else { return Vec::new() };
        name.set_fqdn(true);
        match self.resolver.lookup(name, kind).await {
            Ok(found) => found.answers().iter().map(|record| record.data.clone()).collect(),
            Err(_) => Vec::new(),
        }
    }
}

fn here() -> ResolverBuilder<TokioRuntimeProvider> {
    let local = NameServerConfig::udp_and_tcp(IpAddr::from([127, 0, 0, 1]));
    TokioResolver::builder_with_config(ResolverConfig::from_name_servers(vec![local]), TokioRuntimeProvider::default())
}

fn text(name: &Name) -> String {
    name.to_utf8().trim_end_matches('.').to_owned()
}

/// Answers kept.
const CACHED: u64 = 4_096;
const NEGATIVE: Duration = Duration::from_secs(10);
const POSITIVE: Duration = Duration::from_secs(3_600);
