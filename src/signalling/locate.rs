//! Finds the servers behind a URI by DNS (RFC 3263), within a fixed time whatever the name servers do.

use std::sync::Arc;
use std::time::Duration;

use sip::header::{Scheme, Uri};
use sip::locate::{Answer, Location, Naptr, Question, Srv, Step};
use sip::transport::Transport;

use super::transport::Destination;
use crate::net::dns::Names;

/// Looks URIs up; clones share the cache.
#[derive(Clone, Debug)]
pub struct Locator {
    names: Names,
    limit: Duration,
    v6: bool,
}

/// Why no server is known for a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// It is no SIP URI.
    #[error("not a SIP URI")]
    Scheme,
    /// Its name leads nowhere, or to transports that we cannot open.
    #[error("the name has no server")]
    NotFound,
    /// The name servers took too long.
    #[error("the name servers do not answer")]
    TimedOut,
}

impl Locator {
    /// `limit` holds for all questions about one URI together; `v6` says whether IPv6 can be spoken.
    #[must_use]
    pub const fn new(names: Names, limit: Duration, v6: bool) -> Self {
        Self { names, limit, v6 }
    }

    /// The servers of a URI, the best first.
    ///
    /// # Errors
    /// When there are none, or nobody says so in time.
    pub async fn locate(&self, uri: &Uri) -> Result<Vec<Destination>, LocateError> {
        if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
            return Err(LocateError::Scheme);
        }
        let location = Location::new(uri, &SPOKEN, getrandom::u64().unwrap_or(1));
        let found = tokio::time::timeout(self.limit, self.ask(location)).await.map_err(|_| LocateError::TimedOut)?;
        // The certificate is that of the name which was asked for, never of one that DNS has put in its place (RFC 5922 §4).
        let host = uri.host();
        let name: Option<Arc<str>> = host.parse::<std::net::IpAddr>().is_err().then(|| host.into());
        let destinations: Vec<Destination> = found
            .into_iter()
            .map(|target| Destination {
                transport: target.transport,
                remote: target.address,
                name: name.clone().filter(|_| target.transport.is_secure()),
            })
            .collect();
        if destinations.is_empty() { Err(LocateError::NotFound) } else { Ok(destinations) }
    }

    async fn ask(&self, mut location: Location) -> Vec<sip::locate::Target> {
        loop {
            let question = match location.step() {
                Step::Ask(question) => question,
                Step::Found(targets) => return targets,
            };
            location.answer(match question {
                Question::Naptr(name) => {
                    let records = self.names.naptr(&name).await.into_iter();
                    Answer::Naptr(
                        records
                            .map(|record| Naptr {
                                order: record.order,
                                preference: record.preference,
                                service: record.service,
                                replacement: record.replacement,
                            })
                            .collect(),
                    )
                }
                Question::Srv(name) => {
                    let records = self.names.srv(&name).await.into_iter();
                    Answer::Srv(
                        records
                            .map(|record| Srv {
                                priority: record.priority,
                                weight: record.weight,
                                port: record.port,
                                target: record.target,
                            })
                            .collect(),
                    )
                }
                Question::Addresses(name) => Answer::Addresses(self.names.addresses(&name, self.v6).await),
            });
        }
    }
}

/// What we can open, the best first: UDP is what most of the telephone network speaks.
const SPOKEN: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
