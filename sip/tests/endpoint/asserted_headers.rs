//! What others say about a call, typed and as asserted only: identity, privacy, diversion, history, user-to-user, reasons.

use sip::endpoint::Event;
use sip::header::{ExtraHeaders, HeaderName};

use crate::scripted_peer::{ScriptedPeer, request_with};

#[test]
fn an_invite_tells_who_called_whom_before_and_as_whom() {
    let mut peer = ScriptedPeer::new();
    let headers = "P-Asserted-Identity: \"A\" <sip:+4930123@example.com>, <tel:+4930123>\r\nPrivacy: id\r\n\
                   Diversion: <sip:+4930456@example.com>;reason=user-busy\r\n\
                   History-Info: <sip:a@example.com>;index=1, <sip:b@example.com>;index=1.1\r\nUser-to-User: 00c8;encoding=hex\r\n";
    peer.send(&request_with("INVITE", "a", 1, "", headers, "offer"));
    let Some(Event::Incoming { invite, .. }) = peer.events.pop() else { panic!("no incoming call") };
    let headers = invite.message.headers();
    let identities = headers.asserted_identities();
    assert_eq!(identities.sip.map(|sip| sip.uri_text()), Some("sip:+4930123@example.com"));
    assert_eq!(identities.tel.map(|tel| tel.uri_text()), Some("tel:+4930123"));
    assert!(headers.privacy().id && headers.preferred_identities().sip.is_none());
    assert_eq!(headers.diversions().filter_map(|diversion| diversion.reason).collect::<Vec<_>>(), ["user-busy"]);
    assert_eq!(headers.history().map(|entry| entry.index).collect::<Vec<_>>(), ["1", "1.1"]);
    assert_eq!(headers.user_to_user().map(|uui| uui.content).collect::<Vec<_>>(), ["00c8"]);
}

#[test]
fn a_call_of_ours_says_what_the_application_adds() {
    let mut peer = ScriptedPeer::new();
    let (_, invite) = peer.calling(|call| {
        call.options.headers =
            ExtraHeaders::default().with(HeaderName::PAssertedIdentity, "<tel:+4930123>").with(HeaderName::Privacy, "id");
    });
    assert_eq!(invite.headers().asserted_identities().tel.map(|tel| tel.uri_text()), Some("tel:+4930123"));
    assert!(invite.headers().privacy().id);
}

#[test]
fn the_end_of_a_call_tells_its_cause() {
    let mut peer = ScriptedPeer::new();
    let (_, tag) = peer.established();
    peer.send(&request_with("BYE", "b", 2, &tag, "Reason: Q.850;cause=16;text=\"x\"\r\n", ""));
    assert!(matches!(peer.events.first(), Some(Event::HungUp { causes, .. }) if causes.q850 == Some(16)));
    let mut peer = ScriptedPeer::new();
    peer.invited();
    peer.send(&request_with("CANCEL", "a", 1, "", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n", ""));
    assert!(matches!(peer.events.first(), Some(Event::Cancelled { causes, .. }) if causes.sip == Some(200)));
}
