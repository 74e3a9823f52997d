//! What may end in a log names nobody.

use sip::message::Message;

use crate::scripted_peer::{ScriptedPeer, request};
use crate::support::outgoing;

#[test]
fn debug_output_holds_no_user_and_no_address() {
    let mut peer = ScriptedPeer::new();
    let text = request("INVITE", "a", 1, "", "application/sdp", "c=IN IP4 192.0.2.9");
    peer.send(&text);
    let message = Message::parse(text.into_bytes().into());
    let broken = Message::parse(bytes::Bytes::from_static(b"INVITE sip:bob@192.0.2.9 SIP/2.0\r\nFrom: <sip:bob@192.0.2.9>\r\n\r\n"));
    let printed = format!("{:?} {:?} {:?} {message:?} {broken:?}", peer.events, peer.received, outgoing());
    for secret in ["bob", "alice", "1000@", "192.0.2"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
