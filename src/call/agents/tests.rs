//! How a conversation passes from one agent to another, told with the messages of the wire.

mod standby;

use media::frame::{AudioFormat, ItemId};
use serde_json::{Value, json};

use super::*;
use crate::agent::config::{Protocol, WireFormat};
use crate::agent::model::PlaybackState;
use crate::domain::call_record::Direction;
use crate::domain::ids::CallId;
use crate::domain::redacted::Redacted;

/// The agents of a call on a virtual clock, with everything that they were told.
struct Bench {
    agents: Agents,
    now: Instant,
    answered: bool,
    /// What each connection was sent: text as JSON, and bytes.
    sent: Vec<(LinkId, Value)>,
    bytes: Vec<(LinkId, Vec<u8>)>,
    outputs: Vec<AgentsOutput>,
}

fn openai() -> AgentConfig {
    AgentConfig { format: WireFormat::Pcmu, ..AgentConfig::at("ws://127.0.0.1/") }
}

fn auricle() -> AgentConfig {
    AgentConfig { protocol: Protocol::Auricle, format: WireFormat::Pcm8k, ..AgentConfig::at("ws://127.0.0.1/") }
}

impl Bench {
    fn new(configs: &[AgentConfig]) -> Self {
        Self::begun(configs, |_, _| {})
    }

    /// One whose agents are prepared before the first is dialled.
    fn begun(configs: &[AgentConfig], prepare: impl FnOnce(&mut Agents, Instant)) -> Self {
        let now = Instant::now();
        let facts = CallFacts {
            now,
            unix_time: Duration::from_secs(1_795_000_000),
            call: CallId::derived("test"),
            direction: Direction::Inbound,
            from: String::new().into(),
            to: String::new().into(),
        };
        let member = |(place, config): (usize, &AgentConfig)| Member {
            name: format!("agent-{place}"),
            tools: Arc::default(),
            version: None,
            config: Arc::new(config.clone()),
        };
        let agents = Agents::new(configs.iter().enumerate().map(member).collect(), facts, Duration::from_millis(1_500));
        let mut bench = Self { agents, now, answered: true, sent: Vec::new(), bytes: Vec::new(), outputs: Vec::new() };
        prepare(&mut bench.agents, now);
        bench.agents.begin(now);
        bench.drain();
        bench
    }

    /// The conversation's connection is dialled: it stands and the agent is ready.
    fn become_ready(&mut self) {
        let link = self.agents.link();
        self.agents.handle_connected(self.now, link);
        self.drain();
        match self.agents.config().protocol {
            Protocol::Auricle => self.hear(&json!({"type": "ready"})),
            _ => self.hear(&json!({"type": "session.updated", "session": {"id": "s", "audio": {
                "input": {"format": {"type": "audio/pcmu"}}, "output": {"format": {"type": "audio/pcmu"}}}}})),
        }
        assert!(self.agents.is_ready());
    }

    fn hear(&mut self, message: &Value) {
        let link = self.agents.link();
        self.hear_on(link, message);
    }

    fn hear_on(&mut self, link: LinkId, message: &Value) {
        self.agents.handle_message(self.now, link, AgentMessage::Text(&message.to_string()));
        self.drain();
    }

    /// The caller is heard for so long: this octet, in the format that the agent wants.
    fn say(&mut self, octet: u8, ms: u64) {
        for _ in 0..ms / 20 {
            let format = AudioFormat::from(self.agents.config().format);
            let sample = media::codec::g711::decode_ulaw(octet).to_le_bytes();
            let bytes = if format == AudioFormat::Ulaw8k { vec![octet; 160] } else { sample.repeat(160) };
            self.agents.push_audio(self.now, AudioChunk { format, bytes: &bytes }, SampleRate::HZ_8000);
            self.now += Duration::from_millis(20);
        }
        self.drain();
    }

    fn cut(&mut self) {
        let link = self.agents.link();
        self.agents.handle_closed(self.now, link, Ok(None));
        self.drain();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.agents.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.agents.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn command(&mut self, command: AgentCommand) {
        self.agents.handle_command(self.now, command);
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            while let Some((link, transmit)) = self.agents.poll_transmit() {
                match transmit.message {
                    AgentMessage::Text(text) => self.sent.push((link, serde_json::from_str(text).unwrap())),
                    AgentMessage::Binary(bytes) => self.bytes.push((link, bytes.to_vec())),
                }
            }
            while self.agents.poll_event(self.now).is_some() {}
            let moved = self.agents.settle(self.now, self.answered);
            while let Some(output) = self.agents.poll_output() {
                self.outputs.push(output);
            }
            if !moved {
                return;
            }
        }
    }

    fn take_outputs(&mut self) -> Vec<AgentsOutput> {
        std::mem::take(&mut self.outputs)
    }

    /// Octets of the caller's audio that a connection of `auricle.v1` was sent.
    fn heard_by(&self, link: LinkId) -> Vec<u8> {
        let bytes = self.bytes.iter().filter(|(to, _)| *to == link).flat_map(|(_, bytes)| bytes.as_chunks::<2>().0.iter());
        bytes.map(|pair| media::codec::g711::encode_ulaw(i16::from_le_bytes(*pair))).collect()
    }

    fn told(&self, link: LinkId, kind: &str) -> Vec<&Value> {
        self.sent.iter().filter(|(to, message)| *to == link && message["type"] == kind).map(|(_, message)| message).collect()
    }

    /// A turn of the caller, as the service of OpenAI tells of it.
    fn turn(&mut self, octet: u8, words: Option<&str>) {
        let before = self.agents.input_position_ms();
        self.say(octet, 200);
        self.hear(&json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": before}));
        self.say(octet, 800);
        self.say(0xFF, 500);
        self.hear(&json!({"type": "input_audio_buffer.speech_stopped", "audio_end_ms": before + 1_000}));
        if let Some(words) = words {
            self.hear(&json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": "c", "transcript": words}));
        }
    }

    fn answer(&mut self, item: &str, words: &str) {
        self.hear(&json!({"type": "response.created", "response": {"id": item}}));
        let audio = base64_simd::STANDARD.encode_to_string([0x20; 1_600]);
        self.hear(&json!({"type": "response.output_audio.delta", "response_id": item, "item_id": item, "delta": audio}));
        self.hear(&json!({"type": "response.output_audio_transcript.delta", "item_id": item, "delta": words}));
    }
}

#[test]
fn the_next_agent_of_the_route_is_dialled_at_once_and_the_former_closed() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    assert_eq!(bench.take_outputs(), [AgentsOutput::Dial { link: LinkId(1), member: 0 }]);
    bench.become_ready();
    assert_eq!(bench.take_outputs(), [], "ready is not heard yet");
    bench.cut();
    let (link, loss) = (LinkId(1), Loss::Closed);
    assert_eq!(
        bench.take_outputs(),
        [
            AgentsOutput::Lost { link, loss },
            AgentsOutput::Close { link },
            AgentsOutput::Fared { member: 0, well: false },
            AgentsOutput::Passed { member: 1, loss },
            AgentsOutput::Dial { link: LinkId(2), member: 1 },
        ]
    );
    bench.become_ready();
    assert_eq!(bench.agents.config().protocol, Protocol::Auricle);
}

#[test]
fn the_next_agent_is_told_what_was_said_and_hears_the_rest_in_its_own_format() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.become_ready();
    bench.turn(1, Some("My name is Mary."));
    bench.answer("r1", "Hello Mary.");
    bench.hear(&json!({"type": "response.output_audio.done", "item_id": "r1"}));
    bench.hear(&json!({"type": "response.done", "response": {"id": "r1", "status": "completed"}}));
    bench.say(0xFF, 500);
    bench.say(2, 600);
    bench.cut();
    bench.say(3, 200);
    bench.become_ready();
    let start = bench.told(LinkId(2), "start")[0].clone();
    assert_eq!(start["history"], json!([{"speaker": "caller", "text": "My name is Mary."}, {"speaker": "agent", "text": "Hello Mary."}]));
    assert_eq!(start.get("owed"), None);
    let heard = bench.heard_by(LinkId(2));
    assert!(!heard.contains(&1), "what is in the history is not said twice");
    assert_eq!(heard.iter().filter(|octet| **octet == 2).count(), 600 * 8, "and nothing is missing");
    assert_eq!(heard.iter().filter(|octet| **octet == 3).count(), 200 * 8);
}

#[test]
fn a_turn_without_words_and_without_an_answer_is_heard_again_whole() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.become_ready();
    bench.turn(1, Some("One."));
    bench.turn(2, None);
    bench.cut();
    bench.become_ready();
    let heard = bench.heard_by(LinkId(2));
    assert_eq!((heard.contains(&1), heard.iter().filter(|octet| **octet == 2).count()), (false, 1_000 * 8));
}

#[test]
fn words_without_an_answer_are_answered_by_whoever_takes_over() {
    let mut bench = Bench::new(&[auricle(), openai()]);
    bench.become_ready();
    bench.say(1, 1_000);
    bench.hear(&json!({"type": "transcript", "speaker": "caller", "kind": "final", "text": "Are you open?"}));
    bench.cut();
    bench.become_ready();
    let items = bench.told(LinkId(2), "conversation.item.create");
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["item"]["content"], json!([{"type": "input_text", "text": "Are you open?"}]));
    assert_eq!(bench.told(LinkId(2), "response.create").len(), 1);
}

#[test]
fn an_answer_that_broke_off_is_gone_on_with_and_a_finished_one_is_not() {
    for (waited_ms, ended, rest) in [(300, false, true), (1_500, false, true), (60_000, false, true), (0, true, false)] {
        let mut bench = Bench::new(&[openai()]);
        bench.become_ready();
        bench.turn(1, Some("Tell me all."));
        bench.answer("r1", "So");
        if ended {
            bench.hear(&json!({"type": "response.output_audio.done", "item_id": "r1"}));
        }
        bench.wait(Duration::from_millis(waited_ms));
        bench.agents.handle_closed(bench.now, LinkId(1), Err(Loss::Stalled));
        bench.drain();
        bench.wait(Duration::from_millis(60));
        bench.become_ready();
        let asked = (bench.told(LinkId(2), "conversation.item.create").len(), bench.told(LinkId(2), "response.create").len());
        assert_eq!(asked, if rest { (3, 1) } else { (2, 0) }, "after {waited_ms} ms");
    }
}

#[test]
fn where_no_end_is_told_an_answer_has_ended_when_nothing_came_of_it_while_its_agent_was_alive() {
    let elevenlabs = AgentConfig { protocol: Protocol::ElevenLabs, format: WireFormat::Pcmu, ..AgentConfig::at("ws://127.0.0.1/") };
    let audio = base64_simd::STANDARD.encode_to_string([0x20; 8_000]);
    for (waited_ms, loss, owed) in [
        (300, Ok(None), Some("rest")),
        (1_500, Ok(None), None),
        (1_500, Err(Loss::Stalled), Some("rest")),
        (4_000, Err(Loss::Stalled), None),
    ] {
        let mut bench = Bench::new(&[elevenlabs.clone(), auricle()]);
        bench.agents.handle_connected(bench.now, LinkId(1));
        bench.hear(&json!({"type": "conversation_initiation_metadata", "conversation_initiation_metadata_event": {
            "conversation_id": "c", "agent_output_audio_format": "ulaw_8000", "user_input_audio_format": "ulaw_8000"}}));
        assert!(bench.agents.is_ready());
        bench.hear(&json!({"type": "agent_response", "agent_response_event": {"agent_response": "Once upon a time."}}));
        bench.hear(&json!({"type": "audio", "audio_event": {"audio_base_64": audio, "event_id": 1}}));
        bench.wait(Duration::from_millis(waited_ms));
        bench.agents.handle_closed(bench.now, LinkId(1), loss);
        bench.drain();
        bench.become_ready();
        let start = bench.told(LinkId(2), "start")[0];
        assert_eq!(start.get("owed").and_then(Value::as_str), owed, "{waited_ms} ms, {loss:?}");
        let heard = if owed.is_some() { "Once upon a" } else { "Once upon a time." };
        assert_eq!(start["history"], json!([{"speaker": "agent", "text": heard}]));
    }
}

#[test]
fn words_that_ran_ahead_of_all_sound_are_not_told_on_and_their_answer_is_owed() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.become_ready();
    bench.turn(1, Some("Are you open?"));
    bench.hear(&json!({"type": "response.output_audio_transcript.delta", "item_id": "r1", "delta": "Yes, until six."}));
    bench.cut();
    bench.become_ready();
    let start = bench.told(LinkId(2), "start")[0];
    assert_eq!((&start["history"], &start["owed"]), (&json!([{"speaker": "caller", "text": "Are you open?"}]), &json!("answer")));
}

#[test]
fn of_an_answer_that_was_interrupted_the_next_agent_is_told_what_was_heard() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.become_ready();
    bench.answer("r1", "one two three four");
    bench.hear(&json!({"type": "response.output_audio.done", "item_id": "r1"}));
    bench.command(AgentCommand::Playback { item: ItemId(1), played_ms: 0, state: PlaybackState::Started });
    bench.hear(&json!({"type": "input_audio_buffer.speech_started", "audio_start_ms": 0}));
    bench.command(AgentCommand::Playback { item: ItemId(1), played_ms: 100, state: PlaybackState::Cleared });
    bench.cut();
    bench.become_ready();
    assert_eq!(bench.told(LinkId(2), "start")[0]["history"], json!([{"speaker": "agent", "text": "one two"}]));
}

#[test]
fn an_agent_greets_who_was_not_spoken_to_and_nobody_twice() {
    for (spoke, greets) in [(false, true), (true, false)] {
        let greeter = AgentConfig { greet_first: true, ..auricle() };
        let mut bench = Bench::new(&[AgentConfig { greet_first: true, ..openai() }, greeter]);
        bench.become_ready();
        if spoke {
            bench.answer("r1", "Good morning.");
        }
        bench.cut();
        bench.become_ready();
        assert_eq!(bench.told(LinkId(2), "start")[0]["greet_first"], greets);
    }
}

#[test]
fn an_agent_that_does_not_answer_a_turn_in_time_is_taken_for_stalled() {
    let mut bench = Bench::new(&[AgentConfig { answer_timeout_ms: 2_000, ..openai() }, auricle()]);
    bench.become_ready();
    bench.turn(1, Some("Hello?"));
    bench.take_outputs();
    bench.wait(Duration::from_millis(1_990));
    assert_eq!(bench.take_outputs(), []);
    bench.wait(Duration::from_millis(20));
    assert_eq!(bench.take_outputs()[0], AgentsOutput::Lost { link: LinkId(1), loss: Loss::Stalled });
    bench.become_ready();
    assert_eq!(bench.told(LinkId(2), "start")[0]["owed"], "answer");
}

#[test]
fn a_limit_of_quota_passes_the_call_on_where_there_is_another_agent() {
    let limited = json!({"type": "error", "error": {"type": "tokens", "code": "rate_limit_exceeded"}});
    let mut alone = Bench::new(&[openai()]);
    alone.become_ready();
    alone.take_outputs();
    alone.hear(&limited);
    assert_eq!(alone.take_outputs(), []);
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.become_ready();
    bench.take_outputs();
    bench.hear(&limited);
    assert_eq!(bench.take_outputs()[0], AgentsOutput::Lost { link: LinkId(1), loss: Loss::Limited });
}

#[test]
fn an_agent_that_is_not_ready_in_time_is_passed_over_where_there_is_another() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    bench.answered = false;
    bench.wait(Duration::from_millis(1_600));
    assert!(bench.take_outputs().contains(&AgentsOutput::Dial { link: LinkId(2), member: 1 }));
}

#[test]
fn a_caller_who_waits_is_told_so_and_after_half_a_minute_there_is_no_agent() {
    let mut bench = Bench::new(&[openai()]);
    bench.become_ready();
    bench.cut();
    let (mut waits, began) = (0, bench.now);
    while !bench.agents.over {
        bench.wait(Duration::from_millis(100));
        for output in bench.take_outputs() {
            match output {
                AgentsOutput::Dial { link, .. } => bench.agents.handle_unreachable(bench.now, link, Loss::Unreachable),
                AgentsOutput::Waiting => waits += 1,
                AgentsOutput::GaveUp { refused } => assert!(!refused),
                _ => {}
            }
        }
        bench.drain();
        assert!(bench.now - began < Duration::from_secs(40));
    }
    assert!((3..=4).contains(&waits), "{waits}");
}

#[test]
fn before_a_connection_ends_another_stands_by_and_takes_over_in_a_pause() {
    let mut bench = Bench::new(&[auricle()]);
    bench.become_ready();
    bench.say(1, 400);
    bench.hear(&json!({"type": "speech_started"}));
    bench.take_outputs();
    bench.hear(&json!({"type": "expiring", "left_ms": 20_000}));
    assert_eq!(bench.take_outputs(), [AgentsOutput::Dial { link: LinkId(2), member: 0 }]);
    bench.agents.handle_connected(bench.now, LinkId(2));
    bench.drain();
    bench.wait(Duration::from_secs(2));
    assert!(bench.told(LinkId(2), "start").is_empty(), "not while the caller speaks");
    bench.say(0xFF, 600);
    bench.hear(&json!({"type": "speech_stopped"}));
    bench.hear(&json!({"type": "transcript", "speaker": "caller", "kind": "final", "text": "One."}));
    bench.hear(&json!({"type": "item", "item": "a"}));
    bench.agents.handle_message(bench.now, LinkId(1), AgentMessage::Binary(&[0x10; 1_600]));
    bench.hear(&json!({"type": "item_end"}));
    bench.wait(Duration::from_millis(300));
    assert_eq!(bench.told(LinkId(2), "start").len(), 1);
    bench.take_outputs();
    bench.hear_on(LinkId(2), &json!({"type": "ready"}));
    let outputs = bench.take_outputs();
    assert_eq!(outputs[..2], [AgentsOutput::Close { link: LinkId(1) }, AgentsOutput::Passed { member: 0, loss: Loss::Expired }]);
    assert_eq!((bench.agents.link(), bench.agents.is_ready()), (LinkId(2), true));
    assert!(!outputs.iter().any(|output| matches!(output, AgentsOutput::Lost { .. })), "nothing was lost");
}

#[test]
fn where_no_pause_comes_the_connection_is_left_before_its_end() {
    let mut bench = Bench::new(&[auricle()]);
    bench.become_ready();
    bench.hear(&json!({"type": "speech_started"}));
    bench.hear(&json!({"type": "expiring", "left_ms": 10_000}));
    bench.agents.handle_connected(bench.now, LinkId(2));
    bench.drain();
    bench.wait(Duration::from_millis(6_500));
    assert!(bench.told(LinkId(2), "start").is_empty());
    bench.wait(Duration::from_millis(800));
    bench.hear_on(LinkId(2), &json!({"type": "ready"}));
    assert_eq!(bench.agents.link(), LinkId(2));
}

#[test]
fn a_socket_that_stands_by_to_the_next_agent_takes_over_without_being_dialled() {
    let mut bench = Bench::new(&[openai(), AgentConfig { standby: true, ..auricle() }]);
    bench.become_ready();
    assert!(bench.take_outputs().contains(&AgentsOutput::Dial { link: LinkId(2), member: 1 }));
    bench.agents.handle_connected(bench.now, LinkId(2));
    bench.drain();
    bench.cut();
    let outputs = bench.take_outputs();
    assert!(!outputs.iter().any(|output| matches!(output, AgentsOutput::Dial { .. })), "{outputs:?}");
    assert_eq!(bench.told(LinkId(2), "start").len(), 1);
    bench.hear(&json!({"type": "ready"}));
    assert!(bench.agents.is_ready());
}

#[test]
fn a_bot_that_calls_back_has_the_time_that_it_takes_to_start_though_another_agent_could_be_had() {
    let room = AgentConfig { protocol: Protocol::Daily, ..AgentConfig::at("https://127.0.0.1/start") };
    let mut bench = Bench::new(&[room, auricle()]);
    bench.take_outputs();
    bench.wait(Duration::from_secs(24));
    assert_eq!(bench.take_outputs(), []);
    bench.agents.handle_unreachable(bench.now, LinkId(1), Loss::Unreachable);
    bench.drain();
    assert!(bench.take_outputs().contains(&AgentsOutput::Dial { link: LinkId(2), member: 1 }));
}

#[test]
fn a_response_that_fails_answers_nobody_and_the_next_agent_is_asked_in_its_place() {
    for (status, lost) in [("failed", true), ("completed", false)] {
        let mut bench = Bench::new(&[openai(), auricle()]);
        bench.become_ready();
        bench.turn(1, Some("Is anybody there?"));
        for response in ["r1", "r2"] {
            bench.hear(&json!({"type": "response.created", "response": {"id": response}}));
            bench.hear(&json!({"type": "response.done", "response": {"id": response, "status": status}}));
        }
        assert_eq!(bench.told(LinkId(1), "response.create").len(), usize::from(lost), "asked for once more");
        bench.take_outputs();
        bench.wait(Duration::from_secs(11));
        let stalled = bench.take_outputs().contains(&AgentsOutput::Lost { link: LinkId(1), loss: Loss::Stalled });
        assert_eq!(stalled, lost, "{status}");
    }
}

#[test]
fn one_that_worked_for_a_while_and_closes_in_good_order_has_refused_nobody() {
    let mut bench = Bench::new(&[openai()]);
    bench.become_ready();
    bench.take_outputs();
    bench.answer("a", "Hello.");
    assert_eq!(bench.take_outputs(), [AgentsOutput::Fared { member: 0, well: true }]);
    bench.wait(Duration::from_secs(60));
    bench.agents.handle_closed(bench.now, LinkId(1), Ok(Some(1000)));
    bench.wait(Duration::from_secs(2));
    let outputs = bench.take_outputs();
    assert!(outputs.contains(&AgentsOutput::Lost { link: LinkId(1), loss: Loss::Closed }), "{outputs:?}");
    assert!(outputs.contains(&AgentsOutput::Dial { link: LinkId(2), member: 0 }), "{outputs:?}");
}

#[test]
fn an_agent_of_our_own_that_closes_in_good_order_ends_the_conversation() {
    let mut bench = Bench::new(&[auricle(), openai()]);
    bench.become_ready();
    bench.take_outputs();
    bench.agents.handle_closed(bench.now, LinkId(1), Ok(Some(1000)));
    bench.drain();
    assert_eq!(bench.take_outputs(), [AgentsOutput::Close { link: LinkId(1) }, AgentsOutput::HungUp]);
}

#[test]
fn who_has_hung_up_is_not_followed_by_another_however_the_connection_ends() {
    for code in [Ok(Some(1001)), Ok(None), Err(Loss::Stalled)] {
        let mut bench = Bench::new(&[AgentConfig { answer_timeout_ms: 2_000, ..auricle() }, openai()]);
        bench.become_ready();
        bench.hear(&json!({"type": "transcript", "speaker": "caller", "kind": "final", "text": "Goodbye."}));
        bench.hear(&json!({"type": "hangup"}));
        bench.hear(&json!({"type": "expiring", "left_ms": 1_000}));
        bench.take_outputs();
        bench.wait(Duration::from_secs(5));
        assert_eq!(bench.take_outputs(), []);
        bench.agents.handle_closed(bench.now, LinkId(1), code);
        bench.drain();
        assert_eq!(bench.take_outputs(), [AgentsOutput::Close { link: LinkId(1) }, AgentsOutput::HungUp]);
    }
}

#[test]
fn every_agent_is_told_what_is_known_of_the_patient_in_the_words_of_its_own_instructions() {
    let asking = |config: AgentConfig, words: &str| AgentConfig {
        instructions: Some(words.into()),
        variables: vec![crate::agent::variables::Variable::PatientFirstName],
        ..config
    };
    let configs = [asking(openai(), "Speak with {{patient.first_name}}."), asking(auricle(), "Help {{patient.first_name}}.")];
    let mut bench = Bench::begun(&configs, |agents, now| {
        assert!(agents.ask_for_patient());
        agents.know(now, Known { name: Some(Redacted::new("Ana García".to_owned())), ..Known::default() });
    });
    bench.become_ready();
    let first = bench.agents.link();
    assert_eq!(bench.told(first, "session.update")[0]["session"]["instructions"], "Speak with Ana.");
    bench.cut();
    bench.become_ready();
    let second = bench.agents.link();
    assert_eq!(bench.told(second, "start")[0]["instructions"], "Help Ana.");
}

#[test]
fn an_agent_of_an_organisations_own_is_not_the_configurations_of_the_same_name() {
    let mut bench = Bench::new(&[openai(), auricle()]);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert!(bench.agents.are_led_by(&names(&["agent-1", "agent-0"])));
    assert!(!bench.agents.are_led_by(&names(&["agent-1"])) && !bench.agents.are_led_by(&[]));
    bench.agents.members[0].version = Some(3);
    assert!(!bench.agents.are_led_by(&names(&["agent-0"])));
    bench.cut();
    assert!(bench.agents.are_led_by(&names(&["agent-1"])), "who took over");
}
