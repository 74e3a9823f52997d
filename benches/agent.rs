//! What a frame costs on its way to an agent and back, in every protocol; and what passing G.711 through saves of a call's whole job.
//!
//! `make bench-agent`, or `cargo bench --bench agent`. On one thread, without sockets: a frame is 20 ms of audio, from the session to the
//! message that goes into the socket, and from a message of the agent's to the audio of the call. Figures are medians of many runs of
//! about half a millisecond; what is compared runs in turns. Prints a table and one `RESULT` line, writes
//! `target/measured/agent.json`, and fails when a gated figure is short.
#![expect(clippy::print_stdout, reason = "a measurement is read from standard output")]

#[path = "media/call.rs"]
#[expect(dead_code, reason = "what a job is called is another benchmark's")]
mod call;
#[path = "../tests/support/measured.rs"]
mod measured;
#[path = "media/speech.rs"]
#[expect(dead_code, reason = "frames in a ring are another benchmark's")]
mod speech;
#[path = "measured/table.rs"]
mod table;
#[path = "agent/talk.rs"]
mod talk;
#[path = "media/timing.rs"]
mod timing;

use std::process::ExitCode;

use auricle::agent::config::{Protocol, WireFormat};
use media::codec::Codec;
use media::frame::AudioFormat;

use call::{Call, Job, Outside};
use measured::Figure;
use talk::Talk;
use timing::{alone, duel};

fn main() -> anyhow::Result<ExitCode> {
    let mut figures = Vec::new();
    for (protocol, name, format) in SPOKEN {
        let mut talk = Talk::new(protocol, format);
        let to_agent = alone(|| talk.push());
        let from_agent = alone(|| talk.hear());
        talk.check()?;
        for (direction, way, took) in [("to_agent", "to", to_agent), ("from_agent", "from", from_agent)] {
            let what = format!("{name}, {}, a frame {way} the agent, µs", format.name());
            figures.push(recorded(format!("{name}_{}_{direction}_us", format.name()), what, took / 1e3));
        }
    }
    let (passed, transcoded) = whole_jobs()?;
    let what = "a call's frame both ways through media and OpenAI's protocol, G.711 passed through, µs".to_owned();
    figures.push(recorded("job_passed_us".to_owned(), what, passed / 1e3));
    let what = "the same, transcoded to and from 24 kHz, µs".to_owned();
    figures.push(recorded("job_transcoded_us".to_owned(), what, transcoded / 1e3));
    let ratio = Figure {
        gate: Some(0.85),
        ..recorded("job_ratio".to_owned(), "passed through, as a part of transcoded".to_owned(), passed / transcoded)
    };
    figures.push(ratio);
    measured::save("agent", "What a frame costs toward an agent and back", "make bench-agent", &figures)?;
    table::print("agent", &figures, 4);
    Ok(table::verdict(&figures))
}

/// Nanoseconds of a frame both ways through media and agent: passed through, and transcoded.
fn whole_jobs() -> anyhow::Result<(f64, f64)> {
    let job = |format: WireFormat| Job { name: "", what: "", codec: Codec::Pcmu, format: AudioFormat::from(format), secure: false };
    let make = |format: WireFormat| -> anyhow::Result<_> {
        let job = job(format);
        Ok((Call::new(&job)?, Outside::new(&job)?, Talk::new(Protocol::OpenAi, format)))
    };
    let (mut passed, mut transcoded) = (make(WireFormat::Pcmu)?, make(WireFormat::Pcm24k)?);
    let frame = |(call, outside, talk): &mut (Call, Outside, Talk)| {
        call.receive(outside);
        talk.push();
        talk.hear();
        call.send(outside);
    };
    let took = duel(|| frame(&mut passed), || frame(&mut transcoded));
    for (call, _, talk) in [&passed, &transcoded] {
        let (forwarded, sent) = call.packets();
        anyhow::ensure!(forwarded > 1_000 && sent > 1_000, "{forwarded} packets came through, {sent} went out");
        talk.check()?;
    }
    Ok(took)
}

/// A figure that is only recorded.
fn recorded(name: String, what: String, value: f64) -> Figure {
    Figure { name: name.leak(), what: what.leak(), value: Some(value), gate: None, at_least: false }
}

const SPOKEN: [(Protocol, &str, WireFormat); 16] = [
    (Protocol::OpenAi, "openai", WireFormat::Pcmu),
    (Protocol::OpenAi, "openai", WireFormat::Pcm24k),
    (Protocol::VoiceLive, "voicelive", WireFormat::Pcmu),
    (Protocol::GptLive, "gptlive", WireFormat::Pcmu),
    (Protocol::Deepgram, "deepgram", WireFormat::Pcmu),
    (Protocol::ElevenLabs, "elevenlabs", WireFormat::Pcmu),
    (Protocol::Gemini, "gemini", WireFormat::Pcm24k),
    (Protocol::Ultravox, "ultravox", WireFormat::Pcm8k),
    (Protocol::Auricle, "auricle", WireFormat::Pcmu),
    (Protocol::Twilio, "twilio", WireFormat::Pcmu),
    (Protocol::Telnyx, "telnyx", WireFormat::Pcmu),
    (Protocol::Plivo, "plivo", WireFormat::Pcmu),
    (Protocol::Exotel, "exotel", WireFormat::Pcm8k),
    (Protocol::Vonage, "vonage", WireFormat::Pcm16k),
    (Protocol::Jambonz, "jambonz", WireFormat::Pcm16k),
    (Protocol::Pipecat, "pipecat", WireFormat::Pcm16k),
];
