//! A request of ours on another way: its Via names the transport, our end and the branch, and nothing else in it does.

use bytes::{BufMut, Bytes, BytesMut};

use super::Flow;

/// The request with the Via of `flow`; with a new branch (without its cookie) when one is given. Via is the first header of what we write.
pub(crate) fn readdressed(request: &Bytes, flow: Flow, branch: Option<&str>) -> Bytes {
    let Some(parts) = Parts::of(request) else { return request.clone() };
    let mut written = BytesMut::with_capacity(request.len() + 64);
    written.put_slice(parts.before);
    written.put_slice(format!("SIP/2.0/{} {}", flow.transport.via_name(), flow.local).as_bytes());
    match branch {
        Some(branch) => written.put_slice(format!(";branch={}{branch};rport", crate::header::Via::MAGIC_COOKIE).as_bytes()),
        None => written.put_slice(parts.params),
    }
    written.put_slice(parts.after);
    written.freeze()
}

struct Parts<'a> {
    before: &'a [u8],
    params: &'a [u8],
    after: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(request: &'a [u8]) -> Option<Self> {
        let start = find(request, VIA)? + VIA.len();
        let end = start + find(request.get(start..)?, b"\r\n")?;
        let params = start + find(request.get(start..end)?, b";")?;
        Some(Self { before: request.get(..start)?, params: request.get(params..end)?, after: request.get(end..)? })
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

const VIA: &[u8] = b"\r\nVia: ";

#[cfg(test)]
mod tests {
    use super::super::Transport;
    use super::*;

    #[test]
    fn only_the_first_via_changes() {
        let request =
            Bytes::from_static(b"BYE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport\r\nTo: <sip:a>\r\n\r\n");
        let flow = Flow { transport: Transport::Tcp, ..Flow::udp("192.0.2.7:5070".parse().unwrap(), "192.0.2.9:5060".parse().unwrap()) };
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(
            text(readdressed(&request, flow, None)),
            "BYE sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.7:5070;branch=z9hG4bKx;rport\r\nTo: <sip:a>\r\n\r\n"
        );
        assert!(text(readdressed(&request, flow, Some("new"))).contains(";branch=z9hG4bKnew;rport\r\n"));
    }
}
