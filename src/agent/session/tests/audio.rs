//! Audio in both directions.

use super::*;
use crate::agent::model::AgentState;
use base64_simd::STANDARD;
use media::units::SampleRate;

fn appended(line: &mut Line) -> Vec<Vec<u8>> {
    line.sent
        .drain(..)
        .filter(|message| message["type"] == "input_audio_buffer.append")
        .map(|message| STANDARD.decode_to_vec(message["audio"].as_str().unwrap()).unwrap())
        .collect()
}

#[test]
fn what_the_caller_says_before_the_agent_is_ready_is_kept_and_comes_first() {
    let mut line = Line::new(&pcmu());
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    line.connect();
    line.push(AudioFormat::Ulaw8k, &[2; 160]);
    assert_eq!(line.take_sent_types(), ["session.update"]);
    assert_eq!(line.session.input_position_ms(), 0);
    line.hear(&updated(WireFormat::Pcmu));
    line.push(AudioFormat::Ulaw8k, &[3; 160]);
    let expected = [[1u8; 160], [2; 160]].concat();
    assert_eq!(appended(&mut line), [expected, vec![3; 160]]);
    assert_eq!(line.session.input_position_ms(), 60);
}

#[test]
fn kept_audio_goes_out_in_pieces_of_a_second_and_must_arrive() {
    let mut line = Line::new(&pcmu());
    for _ in 0..250 {
        line.push(AudioFormat::Ulaw8k, &[7; 160]);
    }
    line.connect();
    line.session.handle_message(line.now, AgentMessage::Text(&updated(WireFormat::Pcmu)));
    let mut lengths = Vec::new();
    while let Some(transmit) = line.session.poll_transmit() {
        assert_eq!(transmit.live_audio, None);
        let AgentMessage::Text(text) = transmit.message else { panic!() };
        lengths.push(text.len());
    }
    assert_eq!(lengths.len(), 5);
    assert!(lengths.iter().all(|&len| len < 11_000));
}

#[test]
fn live_audio_says_how_much_is_lost_with_it() {
    let mut line = Line::ready(&AgentConfig::at("ws://127.0.0.1/"));
    let format = AudioFormat::S16 { rate: SampleRate::HZ_24000 };
    line.session.push_audio(line.now, AudioChunk { format, bytes: &[0; 960] });
    assert_eq!(line.session.poll_transmit().unwrap().live_audio, Some(Duration::from_millis(20)));
}

#[test]
fn a_muted_or_held_caller_is_heard_as_silence_of_the_same_length() {
    for command in [AgentCommand::Mute(true), AgentCommand::Hold(true)] {
        let mut line = Line::ready(&pcmu());
        line.command(command);
        line.push(AudioFormat::Ulaw8k, &[1; 160]);
        line.command(AgentCommand::Mute(false));
        line.command(AgentCommand::Hold(false));
        line.push(AudioFormat::Ulaw8k, &[1; 160]);
        assert_eq!(appended(&mut line), [vec![0xFF; 160], vec![1; 160]]);
        assert_eq!(line.session.input_position_ms(), 40);
    }
}

#[test]
fn audio_in_another_format_is_not_sent() {
    let mut line = Line::ready(&pcmu());
    line.push(AudioFormat::Alaw8k, &[1; 160]);
    assert_eq!(appended(&mut line), [] as [Vec<u8>; 0]);
    assert_eq!(line.session.stats().misformatted_chunks, 1);
}

#[test]
fn a_burst_of_ten_seconds_comes_out_whole_and_in_order() {
    let mut line = Line::ready(&pcmu());
    line.hear(&response_created("resp_1"));
    let spoken: Vec<u8> = (0..80_000u32).map(|sample| (sample % 251) as u8).collect();
    for piece in spoken.chunks(4_000) {
        line.hear(&delta("resp_1", "item_1", piece));
    }
    line.hear(&audio_done("resp_1", "item_1"));
    let mut heard = Vec::new();
    for event in line.take_events() {
        if let Heard::Audio(item, bytes) = event {
            assert_eq!(item, ItemId(1));
            heard.extend(bytes);
        }
    }
    assert_eq!(heard, spoken);
}

#[test]
fn audio_may_be_cut_anywhere_even_within_a_sample() {
    let mut line = Line::ready(&AgentConfig::at("ws://127.0.0.1/"));
    for piece in [&[1u8][..], &[2, 3], &[4, 5, 6, 7, 8]] {
        line.hear(&delta("resp_1", "item_1", piece));
    }
    let heard: Vec<u8> = line
        .take_events()
        .into_iter()
        .filter_map(|event| if let Heard::Audio(_, bytes) = event { Some(bytes) } else { None })
        .flatten()
        .collect();
    assert_eq!(heard, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn base64_with_escapes_white_space_or_without_padding_is_understood() {
    let mut line = Line::ready(&pcmu());
    for text in [r"\/\/8=", r"//\n8=", "//8"] {
        line.hear(&format!(
            r#"{{"type":"response.output_audio.delta","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"{text}"}}"#
        ));
    }
    let audio = line.take_events().into_iter().filter(|event| *event == Heard::Audio(ItemId(1), vec![0xFF, 0xFF])).count();
    assert_eq!(audio, 3);
}

#[test]
fn what_is_no_base64_is_counted_and_the_call_goes_on() {
    let mut line = Line::ready(&pcmu());
    line.hear(r#"{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"!!!!"}"#);
    line.hear(&delta("r", "i", &[9]));
    assert_eq!(line.session.stats().adapter.malformed_messages, 1);
    assert!(line.take_events().contains(&Heard::Audio(ItemId(1), vec![9])));
}

#[test]
fn items_are_numbered_in_the_order_of_their_audio_and_each_ends_once() {
    let mut line = Line::ready(&pcmu());
    line.hear(&delta("resp_1", "item_a", &[1]));
    line.hear(&delta("resp_1", "item_b", &[2]));
    line.hear(&audio_done("resp_1", "item_a"));
    line.hear(&audio_done("resp_1", "item_a"));
    line.hear(&audio_done("resp_1", "item_b"));
    assert_eq!(
        line.take_events(),
        [
            Heard::Audio(ItemId(1), vec![1]),
            Heard::Event(AgentEvent::State(AgentState::Speaking)),
            Heard::Audio(ItemId(2), vec![2]),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(1) }),
            Heard::Event(AgentEvent::AudioEnd { item: ItemId(2) }),
        ]
    );
}

#[test]
fn after_close_nothing_more_is_sent() {
    let mut line = Line::ready(&pcmu());
    line.command(AgentCommand::Close);
    line.push(AudioFormat::Ulaw8k, &[1; 160]);
    line.cleared(1, 10);
    assert_eq!(line.sent, [] as [Value; 0]);
    assert_eq!(line.session.poll_close().map(|closed| closed.retryable), Some(false));
    assert_eq!(line.session.poll_close(), None);
}
