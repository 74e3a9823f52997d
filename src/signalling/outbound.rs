//! Whom an outbound call goes to, and by which ways: a telephone number by trunks, or a SIP URI on the allow-list.
//!
//! Every wish passes here, and leaves as attempts in their order or not at all. A SIP URI is for telephones and test equipment at
//! addresses that the operator has listed; where its user part is a telephone number, the tenant's rules hold for that, too.

use sip::auth::Account;
use sip::header::{NameAddr, Scheme, Uri};
use sip::transport::Flow;

use super::config::OutboundConfig;
use super::dialling::{DialError, Number};
use super::locate::LocateError;
use super::stir::Statement;
use super::toll::{MeterRefusal, TollPolicy, TollRefusal};
use super::trunks::{Directory, Identity, ShownNumber, Trunk, TrunkName, Way, request_uri};
use crate::call::registry::StartError;
use crate::domain::ids::OrgId;

/// Why nothing is dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialRefusal {
    /// Neither a number nor a SIP URI.
    #[error("not a target")]
    Target,
    /// A name without a server.
    #[error("no server")]
    Unresolved,
    /// The address is not on the allow-list.
    #[error("the address is not allowed")]
    Address,
    /// Outbound calls by trunks are switched off.
    #[error("outbound calls are switched off")]
    Off,
    /// The dial string is no number that is dialled.
    #[error("the number is not dialled: {0}")]
    Number(#[from] DialError),
    /// The tenant may not call it.
    #[error("not allowed to the tenant: {0}")]
    Toll(#[from] TollRefusal),
    /// The tenant has used up what it may.
    #[error("limit of the tenant: {0}")]
    Meter(#[from] MeterRefusal),
    /// No trunk for the number, or none that is there.
    #[error("no trunk")]
    NoTrunk,
}

impl DialRefusal {
    /// What whoever asked is told.
    #[must_use]
    pub const fn start_error(self) -> StartError {
        match self {
            Self::Target => StartError::InvalidTarget,
            Self::Unresolved => StartError::Unresolved,
            Self::Number(DialError::Emergency) | Self::Address | Self::Off | Self::Toll(_) => StartError::NotAllowed,
            Self::Number(_) => StartError::InvalidTarget,
            Self::Meter(_) | Self::NoTrunk => StartError::Capacity,
        }
    }
}

/// Where a call goes, before any trunk is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A number, and what a minute to it costs in millionths.
    Number {
        /// The number.
        number: Number,
        /// Millionths of the unit that rates are in.
        rate: u64,
    },
    /// An address on the allow-list.
    Direct {
        /// The request's URI, as given.
        uri: Uri,
        /// The ways to its servers, the first one first.
        flows: Vec<Flow>,
        /// What a minute costs in millionths, where the URI's user is a number: whoever is there may dial it on.
        rate: Option<u64>,
    },
}

/// One way to place a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// By which trunk, if by one.
    pub trunk: Option<TrunkName>,
    /// By which way.
    pub flow: Flow,
    /// Where the far end reaches us.
    pub contact: Uri,
    /// By which it goes next, when nobody answers there.
    pub alternatives: Vec<Flow>,
    /// What the request names.
    pub request_uri: Uri,
    /// Who is called, as To says it.
    pub to: NameAddr,
    /// Who calls.
    pub from: NameAddr,
    /// Who calls, on our word.
    pub asserted: Option<Uri>,
    /// Nobody but the trunk is to be told.
    pub withheld: bool,
    /// What is signed of it, where the trunk wants that.
    pub statement: Option<Statement>,
    /// Who we are to the trunk.
    pub account: Option<Account>,
    /// As that of the [`Way`].
    pub preference: Option<u16>,
}

impl Destination {
    /// What a minute of a call there costs, in millionths; none for one that is not counted.
    #[must_use]
    pub const fn rate(&self) -> Option<u64> {
        match self {
            Self::Number { rate, .. } => Some(*rate),
            Self::Direct { rate, .. } => *rate,
        }
    }

    /// Reads what somebody wants to call and holds it against what the tenant may. `servers` are those behind a SIP URI: all of them must
    /// be on the allow-list, since a name must not lead a call to where its caller was not allowed, by listing that among others.
    ///
    /// # Errors
    /// When it is not understood or not allowed.
    pub fn read(
        text: &str,
        directory: &Directory,
        org: &OrgId,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) -> Result<Self, DialRefusal> {
        let (outbound, policy) = (directory.outbound(), directory.tenant(org));
        if directory.is_stopped(org) {
            return Err(DialRefusal::Off);
        }
        let is_sip = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if is_sip("sip:") || is_sip("sips:") {
            return Self::direct(text, outbound, policy, servers);
        }
        let number = outbound.numbering.read(text)?;
        if !outbound.enabled {
            return Err(DialRefusal::Off);
        }
        let rate = policy.allow(&number)?;
        Ok(Self::Number { number, rate })
    }

    fn direct(
        text: &str,
        outbound: &OutboundConfig,
        policy: &TollPolicy,
        servers: impl FnOnce() -> Result<Vec<Flow>, LocateError>,
    ) -> Result<Self, DialRefusal> {
        let uri = Uri::parse(text).map_err(|_| DialRefusal::Target)?;
        let mut rate = None;
        let flows = servers().map_err(|error| match error {
            LocateError::Scheme => DialRefusal::Target,
            LocateError::NotFound | LocateError::TimedOut => DialRefusal::Unresolved,
        })?;
        if flows.is_empty() {
            return Err(DialRefusal::Unresolved);
        }
        if !flows.iter().all(|flow| outbound.allows(flow.remote.ip())) {
            return Err(DialRefusal::Address);
        }
        if uri.user().is_some() {
            let user = uri.decoded_user().ok_or(DialRefusal::Target)?;
            rate = check_user(&user, outbound, policy)?;
        }
        Ok(Self::Direct { uri, flows, rate })
    }
}

/// A user part that a PBX behind the address might take for a number: what a minute of it costs then.
pub(crate) fn check_user(user: &str, outbound: &OutboundConfig, policy: &TollPolicy) -> Result<Option<u64>, DialRefusal> {
    // Parameters of a number may stand behind it; digits of other scripts are digits to some.
    let number = user.split(';').next().unwrap_or_default();
    if !number.is_ascii() {
        return Err(DialRefusal::Target);
    }
    match outbound.numbering.read(number) {
        Err(DialError::Emergency) => Err(DialError::Emergency.into()),
        Ok(_) if !outbound.enabled => Err(DialRefusal::Off),
        Ok(number) => Ok(Some(policy.allow(&number)?)),
        // Enough digits to lead out of a house are no extension.
        Err(_) if number.bytes().filter(u8::is_ascii_digit).count() > EXTENSION_DIGITS => Err(DialRefusal::Number(DialError::Form)),
        Err(_) => Ok(None),
    }
}

/// Where trunks are.
pub struct Ways<'a> {
    /// By which ways a trunk is reached now, the best one first. None while it is not there.
    pub ways: &'a dyn Fn(&Trunk) -> Vec<Way>,
}

impl Ways<'_> {
    /// The attempts for a destination, in their order; at most as many as a route may name, times the contacts of a name.
    ///
    /// # Errors
    /// When there is none.
    pub fn attempts(
        &self,
        destination: &Destination,
        directory: &Directory,
        org: &OrgId,
        shown: Option<&str>,
    ) -> Result<Vec<Attempt>, DialRefusal> {
        let attempts: Vec<Attempt> = match destination {
            Destination::Direct { uri, flows, .. } => direct(uri, flows).into_iter().collect(),
            Destination::Number { number, .. } => {
                let policy = (directory.outbound(), directory.tenant(org));
                let by_ways = directory.routed(org, number).flat_map(|trunk| {
                    let ways = (self.ways)(trunk).into_iter();
                    ways.filter_map(move |way| by_way(way, trunk, number, shown, policy))
                });
                by_ways.collect()
            }
        };
        if attempts.is_empty() { Err(DialRefusal::NoTrunk) } else { Ok(attempts) }
    }
}

fn by_way(
    Way { mut flows, target, preference }: Way,
    trunk: &Trunk,
    number: &Number,
    shown: Option<&str>,
    (outbound, policy): (&OutboundConfig, &TollPolicy),
) -> Option<Attempt> {
    let flow = (!flows.is_empty()).then(|| flows.remove(0))?;
    let own = ShownNumber::choose(&trunk.config, shown);
    if shown.is_some() && own.is_none() {
        return None;
    }
    let host = flow.local.ip().to_string();
    let identity = Identity::new(&trunk.config, own.as_ref(), &host)?;
    let called = request_uri(&trunk.config, number, &target)?;
    let is_called_by_contact = trunk.config.is_called_by_contact() && is_name(&target, outbound, policy);
    Some(Attempt {
        trunk: Some(trunk.name.clone()),
        flow,
        contact: contact_on(flow, target.scheme() == Scheme::Sips)?,
        alternatives: flows,
        request_uri: if is_called_by_contact { target } else { called.clone() },
        to: called.into(),
        from: identity.from,
        asserted: identity.asserted,
        withheld: identity.withheld,
        statement: statement(trunk, own.as_ref(), number),
        account: trunk.account.clone(),
        preference,
    })
}

/// Whether a registered contact may stand in a request as it is: a proxy on the way to it must not take it for a number that is not
/// allowed.
fn is_name(contact: &Uri, outbound: &OutboundConfig, policy: &TollPolicy) -> bool {
    if !matches!(contact.scheme(), Scheme::Sip | Scheme::Sips) || contact.as_str().contains('?') {
        return false;
    }
    match (contact.user(), contact.decoded_user()) {
        (None, _) => true,
        (_, None) => false,
        (_, Some(user)) => user.starts_with(|first: char| first.is_ascii_alphabetic()) || check_user(&user, outbound, policy).is_ok(),
    }
}

fn direct(uri: &Uri, flows: &[Flow]) -> Option<Attempt> {
    let (first, others) = flows.split_first()?;
    let contact = contact_on(*first, uri.scheme() == Scheme::Sips)?;
    Some(Attempt {
        trunk: None,
        flow: *first,
        alternatives: others.to_vec(),
        request_uri: uri.clone(),
        to: uri.clone().into(),
        from: contact.clone().into(),
        contact,
        asserted: None,
        withheld: false,
        statement: None,
        account: None,
        preference: None,
    })
}

/// Only numbers that are the trunk's own are shown, so they are the customer's.
fn statement(trunk: &Trunk, shown: Option<&ShownNumber>, called: &Number) -> Option<Statement> {
    let limit = trunk.config.sign.limit()?;
    Statement::new(&trunk.config.org, shown?.number().as_str(), called.as_str(), true, limit)
}

/// Our address on a flow, as the far end is told it.
#[must_use]
pub fn contact_on(flow: Flow, secure: bool) -> Option<Uri> {
    Uri::parse(&flow.contact(Some(OUR_USER), secure).to_string()).ok()
}

/// The user part of our own address.
pub const OUR_USER: &str = "auricle";

/// Digits of an extension within a house.
const EXTENSION_DIGITS: usize = 6;

#[cfg(test)]
mod tests;
