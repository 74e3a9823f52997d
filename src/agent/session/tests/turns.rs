//! Turns that the gateway decides: the provider hears those and nothing else.

use super::*;
use crate::agent::config::TurnDetection;

fn by_gateway() -> AgentConfig {
    let turn_detection = TurnDetection::Gateway { doubt_ms: 700, confirm_speech_ms: 400, prefix_padding_ms: 300, silence_duration_ms: 600 };
    AgentConfig { turn_detection, ..pcmu() }
}

fn begins(ago_ms: u64) -> AgentCommand {
    AgentCommand::TurnStarted { ago: Duration::from_millis(ago_ms) }
}

/// So many packets of 20 ms, each of the byte that counts it from `first` on.
fn say(line: &mut Line, first: u8, packets: u8) {
    (first..first + packets).for_each(|n| line.push(AudioFormat::Ulaw8k, &[n; 160]));
}

/// Which packets were sent since the last look; a commit is 255.
fn heard(line: &mut Line) -> Vec<u8> {
    let mut heard = Vec::new();
    for message in line.sent.drain(..) {
        match message["type"].as_str().unwrap() {
            "input_audio_buffer.append" => {
                let bytes = base64_simd::STANDARD.decode_to_vec(message["audio"].as_str().unwrap()).unwrap();
                heard.extend(bytes.chunks_exact(160).map(|packet| packet[0]));
            }
            "input_audio_buffer.commit" => heard.push(255),
            _ => {}
        }
    }
    heard
}

fn range(from: u8, to: u8) -> Vec<u8> {
    (from..to).collect()
}

#[test]
fn what_is_said_between_turns_is_never_sent() {
    let mut line = Line::ready(&by_gateway());
    say(&mut line, 0, 250);
    assert_eq!(heard(&mut line), range(0, 0));
    assert_eq!(line.session.input_position_ms(), 0);
}

#[test]
fn a_turn_is_sent_from_a_little_before_its_first_word_and_committed_at_its_end() {
    let mut line = Line::ready(&by_gateway());
    say(&mut line, 0, 100);
    line.command(begins(400));
    // 300 ms and 400 ms are 35 packets.
    assert_eq!(heard(&mut line), range(65, 100));
    say(&mut line, 100, 20);
    line.command(AgentCommand::TurnEnded);
    assert_eq!(heard(&mut line), [range(100, 120), vec![255]].concat());
    say(&mut line, 120, 40);
    assert_eq!(heard(&mut line), range(0, 0));
    line.command(begins(20));
    assert_eq!(heard(&mut line), range(144, 160), "the next one begins anew, and nothing is sent twice");
}

#[test]
fn a_turn_that_begins_within_another_sends_nothing_twice() {
    let mut line = Line::ready(&by_gateway());
    say(&mut line, 0, 50);
    line.command(begins(100));
    line.command(begins(100));
    assert_eq!(heard(&mut line), range(30, 50));
}

#[test]
fn a_doubt_as_long_as_may_be_loses_no_word() {
    let mut line = Line::ready(&by_gateway());
    say(&mut line, 0, 200);
    line.command(begins(1_200));
    assert_eq!(heard(&mut line), range(125, 200));
}

#[test]
fn what_was_said_before_the_agent_was_ready_is_sent_where_a_turn_began_in_it() {
    let mut line = Line::new(&by_gateway());
    line.connect();
    say(&mut line, 0, 50);
    line.command(begins(100));
    say(&mut line, 50, 10);
    line.hear(&updated(WireFormat::Pcmu));
    assert_eq!(heard(&mut line), range(0, 60));
}

#[test]
fn a_silence_before_the_agent_was_ready_is_not_sent_and_its_end_is_not_lost() {
    let mut line = Line::new(&by_gateway());
    line.connect();
    say(&mut line, 0, 50);
    line.hear(&updated(WireFormat::Pcmu));
    assert_eq!(heard(&mut line), range(0, 0));
    line.command(begins(0));
    assert_eq!(heard(&mut line), range(35, 50));
}

#[test]
fn a_provider_that_decides_turns_hears_all() {
    let mut line = Line::ready(&pcmu());
    say(&mut line, 0, 50);
    line.command(begins(100));
    assert_eq!(heard(&mut line), range(0, 50));
}
