//! A ladder as text: time runs down, the gateway stands left, whoever it speaks with to the right, an arrow for each message; below, the
//! messages themselves.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use super::summary::{Step, steps};
use crate::domain::ladder::{Ladder, Way};

/// The ladder of a call as text in UTF-8, lines ended by LF.
#[must_use]
pub fn diagram(ladder: &Ladder) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, ladder);
    text
}

fn write(text: &mut String, ladder: &Ladder) -> fmt::Result {
    let steps = steps(ladder);
    let began = ladder.started_at.format("%Y-%m-%d %H:%M:%S%.6f UTC");
    writeln!(text, "Call {}, {} messages from {began}", ladder.id, steps.len())?;
    if ladder.left_out > 0 {
        writeln!(text, "{} messages are missing: the bounds left no room for them", ladder.left_out)?;
    }
    let parties = parties(&steps);
    writeln!(text)?;
    let names = parties.iter().map(|party| party.map_or_else(|| "others".to_owned(), |party| party.to_string()));
    let header = std::iter::once("auricle".to_owned()).chain(names).fold(String::new(), |line, name| line + &format!("{name:<WIDTH$}"));
    writeln!(text, "{:MARGIN$}{}", "", header.trim_end())?;
    for (number, step) in steps.iter().enumerate() {
        let remote = *step.message.remote.expose();
        let column = parties.iter().position(|party| party.is_none_or(|party| party == remote)).unwrap_or_default();
        let seconds = ms(step.since_start) / 1_000.0;
        let rungs = arrow(step, column, parties.len());
        writeln!(text, "{seconds:>10.3} {:>4}  {}", number + 1, rungs.trim_end())?;
    }
    for (number, step) in steps.iter().enumerate() {
        let (from, to) = step.message.ends();
        let (at, transport) = (step.message.at.format("%H:%M:%S%.6f"), step.message.transport.name());
        writeln!(text, "\n--- {}  {at}  {from} -> {to}  {transport}", number + 1)?;
        let message = String::from_utf8_lossy(step.message.octets.expose()).replace("\r\n", "\n");
        writeln!(text, "{}", message.chars().map(printable).collect::<String>().trim_end())?;
    }
    Ok(())
}

/// The peers in the order in which they appear; `None` stands for those that found no column.
fn parties(steps: &[Step<'_>]) -> Vec<Option<SocketAddr>> {
    let mut parties = Vec::new();
    for step in steps {
        let remote = Some(*step.message.remote.expose());
        if parties.contains(&remote) {
            continue;
        }
        if parties.len() == COLUMNS {
            parties.push(None);
            break;
        }
        parties.push(remote);
    }
    parties
}

/// An arrow between the gateway and the party in `column`, and the line of every other party.
fn arrow(step: &Step<'_>, column: usize, parties: usize) -> String {
    let span = (column + 1) * WIDTH - 1;
    let body = if step.has_body { " (body)" } else { "" };
    let again = if step.repeated { " (again)" } else { "" };
    let label: String = format!(" {}{body}{again} ", step.sort).chars().map(printable).take(span - 4).collect();
    let shaft = format!("{label:-^width$}", width = span - 1);
    let arrow = match step.message.way {
        Way::Received => format!("<{shaft}"),
        Way::Sent => format!("{shaft}>"),
    };
    let others = (column + 1..parties).fold(String::new(), |line, _| line + &format!("{:>WIDTH$}", "|"));
    format!("|{arrow}|{others}")
}

/// Control characters move a terminal's cursor, or worse.
fn printable(character: char) -> char {
    if character.is_control() && !matches!(character, '\n' | '\t') { '\u{fffd}' } else { character }
}

/// Milliseconds, to the microsecond.
#[expect(clippy::cast_precision_loss, reason = "no call lasts for centuries")]
fn ms(time: chrono::TimeDelta) -> f64 {
    time.num_microseconds().unwrap_or_default() as f64 / 1_000.0
}

/// From one party to the next.
const WIDTH: usize = 32;
/// Time and number.
const MARGIN: usize = 17;
/// Peers with a column of their own.
const COLUMNS: usize = 4;

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::ids::OrgId;
    use crate::domain::ladder::{LadderMessage, LadderTransport};
    use crate::domain::redacted::Redacted;

    fn ladder() -> Ladder {
        let started_at = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let at = |ms: i64, way, transport, remote: &str, first: &str, cseq: &str, body: &str| {
            LadderMessage {
            at: started_at + TimeDelta::milliseconds(ms),
            way,
            transport,
            local: Redacted::new("203.0.113.5:5060".parse().unwrap()),
            remote: Redacted::new(remote.parse().unwrap()),
            octets: Redacted::new(
                format!(
                    "{first}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: {cseq}\r\n\
                     Contact: <sip:a@h>\r\nMax-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes(),
            ),
        }
        };
        let (udp, tls) = (LadderTransport::Udp, LadderTransport::Tls);
        let invite = |ms, way, remote| at(ms, way, udp, remote, "INVITE sip:b@h SIP/2.0", "1 INVITE", "v=0\r\n");
        let messages = vec![
            invite(0, Way::Sent, "198.51.100.7:5060"),
            invite(500, Way::Sent, "198.51.100.7:5060"),
            at(620, Way::Received, udp, "198.51.100.7:5060", "SIP/2.0 503 No\u{1b}Way", "1 INVITE", ""),
            at(621, Way::Sent, tls, "[2001:db8::7]:5061", "INVITE sip:b@h SIP/2.0", "1 INVITE", "v=0\r\n"),
            at(900, Way::Received, tls, "[2001:db8::7]:5061", "SIP/2.0 200 OK", "1 INVITE", "v=0\r\n"),
        ];
        let id = "call_0123456789abcdefghjkmnpqrs".parse().unwrap();
        Ladder { id, org_id: OrgId::default_org(), started_at, messages, left_out: 2 }
    }

    #[test]
    fn a_ladder_is_drawn_as_people_read_it() {
        let text = diagram(&ladder());
        let (drawn, messages) = text.split_once("\n\n---").unwrap();
        assert_eq!(
            drawn,
            "\
Call call_0123456789abcdefghjkmnpqrs, 5 messages from 2027-01-15 08:00:00.123456 UTC
2 messages are missing: the bounds left no room for them

                 auricle                         198.51.100.7:5060               [2001:db8::7]:5061
     0.000    1  |------- INVITE (body) -------->|                               |
     0.500    2  |--- INVITE (body) (again) ---->|                               |
     0.620    3  |<-------- (malformed) ---------|                               |
     0.621    4  |----------------------- INVITE (body) ------------------------>|
     0.900    5  |<----------------------- 200 OK (body) ------------------------|"
        );
        assert!(messages.contains(" 5  08:00:01.023456  [2001:db8::7]:5061 -> 203.0.113.5:5060  TLS\nSIP/2.0 200 OK\nVia: "), "{messages}");
        assert!(messages.contains("SIP/2.0 503 No\u{fffd}Way\n"), "nothing of it moves a cursor");
    }

    #[test]
    fn a_response_knows_how_long_its_request_took() {
        let ladder = ladder();
        let took: Vec<_> = steps(&ladder).iter().map(|step| step.since_request.map(|took| took.num_milliseconds())).collect();
        assert_eq!(took, [None, None, None, None, Some(900)]);
    }

    #[test]
    fn those_without_a_column_share_one() {
        let mut ladder = ladder();
        let first = ladder.messages[0].clone();
        ladder.messages = (1..8)
            .map(|n| LadderMessage { remote: Redacted::new(format!("192.0.2.{n}:5060").parse().unwrap()), ..first.clone() })
            .collect();
        let text = diagram(&ladder);
        assert!(text.lines().nth(3).unwrap().ends_with("others"), "{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(">|") && line.len() == MARGIN + 5 * WIDTH + 1).count(), 3, "{text}");
    }
}
