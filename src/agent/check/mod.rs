//! Tries somebody's agent as the gateway will use it, and says by name what holds and what does not.
//!
//! Everything goes through the adapters and the socket that calls have: what is found here is what a call would meet. A caller is
//! made up who speaks, interrupts, presses a key and hangs up. Left out on purpose: what the agent says, which is not ours to judge.

mod call;
mod player;
mod report;
mod voice;

use std::time::Duration;

use self::call::Trial;
use super::client::{AgentEndpoint, EndpointError};
use super::config::{AgentConfig, Protocol};
use super::model::AgentCommand;

pub use self::report::{Finding, Outcome, Report};
pub use self::voice::Speech;

/// Tries the agent of `config` with a caller who says `speech`.
///
/// # Errors
/// When the configuration names nothing that can be dialled.
pub async fn check(config: &AgentConfig, speech: &Speech) -> Result<Report, EndpointError> {
    let endpoint = AgentEndpoint::new(config)?;
    let mut report = Report::default();
    let mut trial = match Trial::begin(config, &endpoint, speech).await {
        Ok(trial) => trial,
        Err(error) => {
            report.fail("connects", "a WebSocket opens at the URL, with the subprotocol where there is one", error.to_string());
            return Ok(report);
        }
    };
    report.pass("connects");
    if !trial.run(READY_WITHIN, |heard| heard.ready).await {
        report.fail("ready", "the settings are taken within 3 s", trial.found());
        return Ok(report);
    }
    report.pass("ready");
    converse(&mut trial, &mut report, config.protocol).await;
    judge_messages(&trial, &mut report);
    trial.command(AgentCommand::Close);
    let ended = trial.run(END_WITHIN, |heard| heard.closed.is_some()).await;
    report.add("ends", ended, "the connection is closed within 5 s of the end of the call", "it stands still");
    second_call(&endpoint, config, speech, &mut report).await;
    Ok(report)
}

/// The caller speaks, interrupts, and presses a key.
async fn converse(trial: &mut Trial, report: &mut Report, protocol: Protocol) {
    trial.listen(GREETING).await;
    trial.speak();
    let answered = trial.run(ANSWER_WITHIN, |heard| heard.answered).await;
    report.add("answers", answered, "speech of the agent within 10 s of the caller's", &trial.found());
    if protocol == Protocol::GptLive {
        report.skip("stops", "this protocol has no word for it");
    } else if answered {
        // Spoken over while it is heard, or while the rest of its speech waits.
        trial.speak();
        let stopped = trial.run(STOP_WITHIN, |heard| heard.clears > 0).await;
        report.add("stops", stopped, "a word that its speech is to be thrown away, within 3 s of being spoken over", "none came");
    } else {
        report.skip("stops", "it did not speak");
    }
    trial.listen(Duration::from_secs(1)).await;
    trial.command(AgentCommand::Dtmf { digit: '5', duration: Duration::from_millis(100) });
    let survived = !trial.run(Duration::from_secs(1), |heard| heard.closed.is_some()).await;
    report.add("takes_keys", survived, "the connection stands a second after a key", &trial.found());
    trial.burst();
    let survived = !trial.run(Duration::from_secs(1), |heard| heard.closed.is_some()).await;
    report.add("takes_bursts", survived, "the connection stands after 900 ms of the caller's audio at once", &trial.found());
}

/// What came, and whether it could be used.
fn judge_messages(trial: &Trial, report: &mut Report) {
    let stats = trial.stats();
    let (unknown, malformed) = (stats.adapter.unknown_events, stats.adapter.malformed_messages + stats.oversized_messages);
    report.add("messages_known", unknown == 0, "no message of a type that the protocol does not have", &format!("{unknown} of them"));
    report.add("messages_whole", malformed == 0, "every message can be read, and is at most 4 MiB", &format!("{malformed} cannot"));
    let warnings = &trial.heard().warnings;
    report.add(
        "no_warnings",
        warnings.is_empty(),
        "audio in the agreed format, of its own stream, and with few marks",
        &warnings.join(", "),
    );
    let errors = &trial.heard().errors;
    report.add("no_errors", errors.is_empty(), "no error about a message of the gateway's", &errors.join(", "));
}

/// Two calls at one time are two conversations.
async fn second_call(endpoint: &AgentEndpoint, config: &AgentConfig, speech: &Speech, report: &mut Report) {
    let ready = match tokio::join!(Trial::begin(config, endpoint, speech), Trial::begin(config, endpoint, speech)) {
        (Ok(mut one), Ok(mut other)) => {
            let both = tokio::join!(one.run(READY_WITHIN, |heard| heard.ready), other.run(READY_WITHIN, |heard| heard.ready));
            for trial in [&mut one, &mut other] {
                trial.command(AgentCommand::Close);
                trial.run(Duration::from_millis(200), |heard| heard.closed.is_some()).await;
            }
            both == (true, true)
        }
        _ => false,
    };
    report.add("two_calls", ready, "two more calls at one time are both ready within 3 s", "they are not");
}

const READY_WITHIN: Duration = Duration::from_secs(3);
/// So long an agent that speaks first is listened to.
const GREETING: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const STOP_WITHIN: Duration = Duration::from_secs(3);
const END_WITHIN: Duration = Duration::from_secs(5);
