//! A connection that stands by, of agents that speak before they are spoken to.

use super::*;

fn deepgram() -> AgentConfig {
    AgentConfig { protocol: Protocol::Deepgram, format: WireFormat::Pcmu, model: Some("m".into()), ..AgentConfig::at("wss://a.example/") }
}

fn ultravox() -> AgentConfig {
    AgentConfig { protocol: Protocol::Ultravox, format: WireFormat::Pcm8k, ..AgentConfig::at("https://api.example/api/calls") }
}

fn welcome() -> Value {
    json!({"type": "Welcome", "request_id": "r"})
}

impl Bench {
    /// A connection that stands by, and whose agent says this on it by itself.
    fn stand_by(&mut self, link: LinkId, said: &[Value]) {
        self.agents.handle_connected(self.now, link);
        self.drain();
        said.iter().for_each(|message| self.hear_on(link, message));
    }

    fn closes(&mut self, link: LinkId) -> bool {
        self.take_outputs().contains(&AgentsOutput::Close { link })
    }
}

#[test]
fn a_service_that_welcomed_us_while_it_stood_by_is_given_its_settings_when_it_takes_over() {
    let mut bench = Bench::new(&[openai(), AgentConfig { standby: true, ..deepgram() }]);
    bench.become_ready();
    bench.stand_by(LinkId(2), &[welcome()]);
    assert!(bench.told(LinkId(2), "Settings").is_empty());
    bench.cut();
    assert_eq!(bench.told(LinkId(2), "Settings").len(), 1);
    bench.hear(&json!({"type": "SettingsApplied"}));
    assert!(bench.agents.is_ready());
}

#[test]
fn a_call_that_was_made_to_stand_by_takes_over_before_the_former_ends() {
    let mut bench = Bench::new(&[ultravox()]);
    let started = json!({"type": "call_started", "callId": "c"});
    let first = bench.agents.link();
    bench.agents.handle_connected(bench.now, first);
    bench.hear(&started);
    assert!(bench.agents.is_ready());
    bench.wait(Duration::from_secs(59 * 60 + 1));
    assert!(bench.take_outputs().contains(&AgentsOutput::Dial { link: LinkId(2), member: 0 }));
    let played = |state| AgentCommand::Playback { item: ItemId(1), played_ms: 0, state };
    bench.command(played(PlaybackState::Started));
    bench.stand_by(LinkId(2), &[started]);
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.agents.link(), LinkId(1), "not while the agent is heard");
    bench.command(played(PlaybackState::Finished));
    bench.wait(Duration::from_millis(300));
    let outputs = bench.take_outputs();
    assert_eq!(outputs[..2], [AgentsOutput::Close { link: LinkId(1) }, AgentsOutput::Passed { member: 0, loss: Loss::Expired }]);
    assert_eq!((bench.agents.link(), bench.agents.is_ready()), (LinkId(2), true));
}

#[test]
fn settings_go_out_at_once_where_a_pause_has_come() {
    let mut bench = Bench::new(&[auricle()]);
    bench.become_ready();
    bench.hear(&json!({"type": "expiring", "left_ms": 20_000}));
    bench.stand_by(LinkId(2), &[]);
    assert_eq!(bench.told(LinkId(2), "start").len(), 1);
}

#[test]
fn who_says_more_than_a_welcome_before_anything_was_said_does_not_stand_by() {
    let ping = json!({"type": "ping"});
    let long = json!({"type": "Welcome", "request_id": "r".repeat(64 * 1024)});
    for (said, kept) in [(vec![ping.clone(); 8], true), (vec![ping; 9], false), (vec![long], false)] {
        let mut bench = Bench::new(&[openai(), AgentConfig { standby: true, ..deepgram() }]);
        bench.become_ready();
        bench.stand_by(LinkId(2), &said);
        assert_eq!(bench.closes(LinkId(2)), !kept);
    }
}
