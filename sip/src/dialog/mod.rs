//! Dialogs (RFC 3261 §12): who the two ends are, in which order requests come, and by which way they go.
//!
//! Left out: dialogs by anything but INVITE, and name look-up. Where the next hop is a name, requests go by the way that the
//! dialog's first message took.

mod route_set;

use std::fmt::Display;
use std::net::SocketAddr;

use self::route_set::RouteSet;
use crate::header::{HeaderName, Method, NameAddrRef, Replaces, Via};
use crate::message::{Headers, MessageWriter, Request, Response};
use crate::transport::{Flow, Transport};

/// One end's view of a dialog.
pub(crate) struct Dialog {
    call_id: Box<str>,
    local_tag: Box<str>,
    remote_tag: Box<str>,
    local_party: Box<str>,
    remote_party: Box<str>,
    /// The number of the INVITE that made it, when that was ours.
    invite_cseq: u32,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    remote_target: Box<str>,
    routes: RouteSet,
    /// By which the first message came or went.
    path: Flow,
    /// The peer stands behind a translator: its Contact leads nowhere, only the way it came does.
    keep_path: bool,
    /// The peer has registered, and was called by the way it did.
    registered: bool,
}

/// The order of a request within its dialog (§12.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Next,
    Repeated,
    Late,
}

impl Dialog {
    /// The callee's side (§12.1.1). `None` when the request lacks what every request has.
    pub(crate) fn inbound(request: &Request, local_tag: &str, path: Flow) -> Option<Self> {
        let headers = request.headers();
        let (from, to, via) = (headers.from()?, headers.to()?, headers.top_via()?);
        let routes = RouteSet::new(headers.elements(HeaderName::RecordRoute));
        // Callers by RFC 2543 send no Contact; their From is the best there is.
        let target = headers.contact().map_or(from.uri_text(), |contact| contact.uri_text());
        Some(Self {
            call_id: headers.call_id()?.into(),
            local_tag: local_tag.into(),
            remote_tag: from.tag().unwrap_or_default().into(),
            local_party: to.address().into(),
            remote_party: from.address().into(),
            invite_cseq: 0,
            local_cseq: 0,
            remote_cseq: Some(headers.cseq()?.number),
            remote_target: target.into(),
            keep_path: routes.is_empty() && is_translated(via, path),
            routes,
            path,
            registered: false,
        })
    }

    /// The caller's side (§12.1.2), from the first response of a callee with a tag. `registered`: it has registered by this way, which leads
    /// to it whatever its Contact says (RFC 5626 §5.3).
    pub(crate) fn outbound(response: &Response, request_uri: &str, path: Flow, registered: bool) -> Option<Self> {
        let headers = response.headers();
        let (from, to) = (headers.from()?, headers.to()?);
        let mut routes: Vec<&str> = headers.elements(HeaderName::RecordRoute).collect();
        routes.reverse();
        let routes = RouteSet::new(routes.into_iter());
        let remote_target = headers.contact().map_or(request_uri, |contact| contact.uri_text());
        Some(Self {
            call_id: headers.call_id()?.into(),
            local_tag: from.tag()?.into(),
            remote_tag: to.tag().unwrap_or_default().into(),
            local_party: from.address().into(),
            remote_party: to.address().into(),
            invite_cseq: headers.cseq()?.number,
            local_cseq: headers.cseq()?.number,
            remote_cseq: None,
            remote_target: remote_target.into(),
            keep_path: registered && is_hidden(&routes, remote_target, path),
            routes,
            path,
            registered,
        })
    }

    /// The early dialog that a 2xx confirms: its routes and target are taken anew (§13.2.2.4).
    pub(crate) fn confirm(&mut self, response: &Response) {
        if let Some(confirmed) = Self::outbound(response, &self.remote_target, self.path, self.registered) {
            let (local_cseq, remote_cseq) = (self.local_cseq.max(confirmed.local_cseq), self.remote_cseq);
            *self = Self { local_cseq, remote_cseq, ..confirmed };
        }
    }

    /// Counts the peer's request in.
    pub(crate) fn receive(&mut self, number: u32) -> Order {
        match self.remote_cseq {
            Some(last) if number < last => Order::Late,
            Some(last) if number == last => Order::Repeated,
            _ => {
                self.remote_cseq = Some(number);
                Order::Next
            }
        }
    }

    /// Target refresh (§12.2.2).
    pub(crate) fn refresh_target(&mut self, contact: &str) {
        self.remote_target = contact.into();
    }

    /// The peer has refreshed its target by this way. One that is reached by none but its own has it from now on: a browser that connected
    /// again, a telephone to which its translator gave another port.
    pub(crate) fn follow(&mut self, arrived: Flow) {
        if self.keep_path || matches!(self.path.transport, Transport::Ws | Transport::Wss) {
            self.path = arrived;
        }
    }

    /// The number of our INVITE that made the dialog.
    pub(crate) fn invite_cseq(&self) -> u32 {
        self.invite_cseq
    }

    /// The number of our next request.
    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.local_cseq += 1;
        self.local_cseq
    }

    /// The number of our last request.
    pub(crate) fn last_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// A request of ours went out anew, with this number.
    pub(crate) fn reissued(&mut self, cseq: u32) {
        self.local_cseq = self.local_cseq.max(cseq);
    }

    /// The beginning of a request within the dialog, all headers but the product's name.
    pub(crate) fn request(&self, method: Method, cseq: u32, branch: impl Display) -> MessageWriter {
        let (request_uri, routes) = self.routes.apply(&self.remote_target);
        let mut writer = MessageWriter::request(method, request_uri);
        writer.header(HeaderName::Via, ViaLine { path: self.path(), branch });
        writer.header(HeaderName::MaxForwards, MAX_FORWARDS);
        for route in routes {
            writer.header(HeaderName::Route, route);
        }
        writer.header(HeaderName::From, Party { address: &self.local_party, tag: &self.local_tag });
        writer.header(HeaderName::To, Party { address: &self.remote_party, tag: &self.remote_tag });
        writer.header(HeaderName::CallId, &self.call_id);
        writer.header(HeaderName::CSeq, format_args!("{cseq} {method}"));
        writer
    }

    /// By which way requests go: to the first route, or else to the remote target, when it is an address (§8.1.2). What names no transport
    /// is reached as before when it is on the same host, and so is a browser, which nobody can connect to; a connection to the same host is
    /// used on, whoever opened it (RFC 5923 §4).
    pub(crate) fn path(&self) -> Flow {
        if self.keep_path {
            return self.path;
        }
        if matches!(self.path.transport, Transport::Ws | Transport::Wss) {
            return self.path;
        }
        let Some(hop) = self.routes.next_hop(&self.remote_target) else { return self.path };
        let same_host = hop.address == self.path.remote.ip();
        let before = if same_host { self.path.transport } else { Transport::Udp };
        let transport = hop.transport.unwrap_or(before);
        let remote = SocketAddr::new(hop.address, hop.port.unwrap_or(transport.default_port()));
        let connection = self.path.connection.filter(|_| same_host && transport == self.path.transport);
        Flow { transport, remote, connection, ..self.path }
    }

    /// Whether a message is of this dialog; its local tag is already known to be ours.
    pub(crate) fn holds(&self, headers: &Headers, remote: Option<NameAddrRef<'_>>) -> bool {
        headers.call_id() == Some(&*self.call_id) && remote.is_some_and(|party| party.tag().unwrap_or_default() == &*self.remote_tag)
    }

    pub(crate) fn remote_tag(&self) -> &str {
        &self.remote_tag
    }

    /// The far end's Contact.
    pub(crate) fn remote_target(&self) -> &str {
        &self.remote_target
    }

    /// As the far end must name this dialog, when a third party shall take its place.
    pub(crate) fn replaces(&self) -> Replaces {
        let Self { call_id, local_tag, remote_tag, .. } = self;
        Replaces { call_id: call_id.clone(), to_tag: remote_tag.clone(), from_tag: local_tag.clone(), early_only: false }
    }

    /// Whether somebody else names this dialog; the To tag is already known to be ours (RFC 3891 §3).
    pub(crate) fn is_named_by(&self, replaces: &Replaces) -> bool {
        // A far end by RFC 2543 has no tag, which Replaces writes as 0.
        let from_tag = if &*replaces.from_tag == "0" && self.remote_tag.is_empty() { "" } else { &replaces.from_tag };
        self.call_id == replaces.call_id && &*self.remote_tag == from_tag
    }
}

/// Whether the peer stands behind a translator: what it calls itself is not where it sends from. Connections have ports of their own, and
/// so have datagrams of some who listen at another one: who does not ask for answers to the port that it sends from (`rport`, RFC 3581).
fn is_translated(via: Via<'_>, path: Flow) -> bool {
    let sent_by = via.sent_by();
    let by_port = path.transport == Transport::Udp && via.wants_rport() && sent_by.socket_address() != Some(path.remote);
    by_port || sent_by.host.address() != Some(path.remote.ip())
}

/// Whether only the way to who has registered is known to lead there. The port of a datagram is a translator's more often than not, even
/// where the address is the peer's own; behind a connection from that address it is there that a new one is opened.
fn is_hidden(routes: &RouteSet, target: &str, path: Flow) -> bool {
    let is_elsewhere = || routes.next_hop(target).is_none_or(|hop| hop.address != path.remote.ip());
    routes.is_empty() && (!path.transport.is_reliable() || is_elsewhere())
}

/// Ours in all requests (§8.1.1.6).
pub(crate) const MAX_FORWARDS: u8 = 70;

/// An address of From or To with its tag.
pub(crate) struct Party<'a> {
    pub(crate) address: &'a str,
    pub(crate) tag: &'a str,
}

impl Display for Party<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // RFC 2543 knows no tag.
        if self.tag.is_empty() { f.write_str(self.address) } else { write!(f, "{};tag={}", self.address, self.tag) }
    }
}

/// Our Via.
pub(crate) struct ViaLine<B> {
    pub(crate) path: Flow,
    pub(crate) branch: B,
}

impl<B: Display> Display for ViaLine<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SIP/2.0/{} {};branch={}{};rport", self.path.transport.via_name(), self.path.local, Via::MAGIC_COOKIE, self.branch)
    }
}
