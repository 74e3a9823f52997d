//! The timeline of a call: what happened when, in milliseconds since its INVITE.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::transfer::TransferOutcome;

/// One entry of a call's timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// Milliseconds since the INVITE came or went.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub moment: Moment,
}

/// How a tool of the operator's ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolOutcome {
    /// It answered.
    Succeeded,
    /// It answered, and the agent was told without being made to speak of it: the caller had interrupted.
    HeldBack,
    /// It did not answer, or that it failed.
    Failed,
    /// The agent wanted it no more.
    Cancelled,
}

/// What a timeline can hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Moment {
    /// The INVITE came or went.
    Invite,
    /// 180 came or went.
    Ringing,
    /// 200 came or went.
    Answered,
    /// ACK came or went.
    Acknowledged,
    /// The first valid RTP packet came.
    FirstRtpIn,
    /// The first RTP packet went.
    FirstRtpOut,
    /// The agent's socket stands; `attempt` counts from 1.
    AgentConnected {
        /// Which connection of this call.
        attempt: u32,
    },
    /// The agent took our settings and may be sent audio.
    AgentReady {
        /// Which connection of this call.
        attempt: u32,
    },
    /// The agent's socket was lost, or could not be had.
    AgentLost {
        /// Which connection of this call.
        attempt: u32,
        /// Why, by a stable code: `unreachable`, `blocked` (by the circuit breaker), `refused`, `closed`, `not_ready`, `stalled`,
        /// `limited`. Empty in records of before.
        #[serde(default)]
        reason: String,
    },
    /// The conversation passes to another connection: of this agent, told what was said and heard so far.
    AgentPassed {
        /// Its name.
        agent: String,
        /// Which version of it; none for one of the configuration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent_version: Option<u64>,
        /// Why, by the codes of `agent_lost`; `expired` where the former connection came to its end.
        reason: String,
    },
    /// The first caller audio went to the agent.
    FirstAudioToAgent,
    /// The first audio came from the agent.
    FirstAudioFromAgent,
    /// The agent answered the caller.
    Turn {
        /// From the end of the caller's speech, on the RTP clock, to the first RTP packet of the answer.
        latency_ms: u64,
        /// From the end of the caller's speech to the agent's word that it heard it end.
        endpointing_ms: u64,
        /// From there to the agent's first audio.
        agent_ms: u64,
        /// From there to the first RTP packet out.
        egress_ms: u64,
    },
    /// The caller spoke over the agent.
    BargeIn {
        /// Milliseconds of the agent's audio that were thrown away unheard.
        discarded_ms: u64,
    },
    /// The caller may be interrupting: the agent was paused. Only where the gateway decides turns.
    AgentPaused,
    /// It was no interruption: the agent went on where it stopped.
    AgentResumed {
        /// Milliseconds of the caller's speech that were heard.
        heard_ms: u64,
    },
    /// The caller's line has a fault.
    AudioWarning {
        /// A stable code.
        code: String,
        /// By how much, with its unit.
        reason: String,
    },
    /// The caller pressed a key and let it go. Which one is not written down: keys are PINs and the numbers of cards.
    KeyPressed {
        /// How long it was held.
        held_ms: u64,
        /// Whether it came as a tone in the audio, not as a telephone-event.
        in_band: bool,
    },
    /// Keys went to the caller's side, or to the queue toward it.
    KeysSent {
        /// How many.
        keys: u64,
    },
    /// The agent asked for a tool, and it is run or was done.
    ToolCalled {
        /// Which of its tools.
        tool: String,
    },
    /// A tool of the operator's came to its end.
    ToolEnded {
        /// Which.
        tool: String,
        /// How long it took.
        took_ms: u64,
        /// How it ended.
        outcome: ToolOutcome,
        /// Why it failed, in a stable word.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The agent wanted something that was not done.
    ToolRefused {
        /// Which of the gateway's own tools; null for any other.
        tool: Option<String>,
        /// A stable word.
        reason: String,
    },
    /// Nobody had spoken for a while: the agent was asked to ask again.
    AskedAgain,
    /// The call ends as soon as what the agent has said was heard.
    Leaving,
    /// The caller spoke again before that: the call goes on.
    Stayed,
    /// The caller was put on hold.
    Held,
    /// The caller was taken off hold.
    Resumed,
    /// The browser is reached by another path from now on: it has changed networks, or its translator has.
    PathChanged,
    /// Somebody else took the far end's place; the conversation goes on.
    FarEndReplaced,
    /// The far end is asked to go elsewhere.
    TransferAsked {
        /// To the far end of another call of ours, in the place of ours.
        attended: bool,
    },
    /// What became of that.
    TransferEnded {
        /// The end.
        outcome: TransferOutcome,
    },
    /// Somebody began to listen.
    ListenerAttached,
    /// Somebody listens no more.
    ListenerDetached,
    /// Something that an operator should know and that did not end the call.
    Warning {
        /// A stable code.
        code: String,
    },
    /// The call ended.
    Ended,
}
