//! The simulator as a command.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;

use crate::agent::config::{self, Protocol, WireFormat};

use super::{Behaviour, Config, Faults, ScriptError, Transcript, read_script, serve};

/// Arguments of `auricle agent-simulator`.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// What to speak: openai, azure, voicelive, gptlive, deepgram, elevenlabs, gemini, ultravox, auricle, twilio, telnyx, plivo,
    /// exotel, vonage, jambonz, pipecat or daily.
    #[arg(long, value_name = "NAME", value_parser = config::word::<Protocol>, default_value = "openai")]
    pub protocol: Protocol,
    /// How audio is written, as pcm16k, where that is the agent's own setting: with elevenlabs and pipecat.
    #[arg(long, value_name = "FORMAT", value_parser = config::word::<WireFormat>, default_value = "pcmu")]
    pub format: WireFormat,
    /// What to do with what is heard.
    #[arg(long, value_enum, default_value_t = BehaviourName::Echo)]
    pub behaviour: BehaviourName,
    /// The script, for the behaviour of that name.
    #[arg(value_name = "FILE", required_if_eq("behaviour", "script"))]
    pub script: Option<PathBuf>,
    /// Certificate chain (PEM), for wss.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM), for wss.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// What goes wrong: drop_after_ms=N, stall_after_ms=N, error_after_ms=N, error_code=WORD, separated by commas.
    #[arg(long, value_name = "FAULTS", value_parser = parse_faults, default_value = "")]
    pub faults: Faults,
    /// Words the caller is claimed to have said.
    #[arg(long, value_name = "TEXT")]
    pub caller_words: Option<String>,
    /// Words the agent is claimed to have said.
    #[arg(long, value_name = "TEXT")]
    pub agent_words: Option<String>,
    /// Write one JSON line for every message received, audio as its length and digest.
    #[arg(long, value_name = "FILE")]
    pub log_received: Option<PathBuf>,
    /// Write the audio received, one raw file a session.
    #[arg(long, value_name = "FOLDER")]
    pub dump_audio: Option<PathBuf>,
}

/// Names of the behaviours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BehaviourName {
    /// Each append back at once, as one endless item.
    Echo,
    /// The last utterance back in one burst.
    Parrot,
    /// Speaks first, then a parrot.
    Greeter,
    /// Follows a file.
    Script,
}

/// Why the simulator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// The script.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A PEM file.
    #[error("{path} is not a PEM file of the kind that is needed")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and the key.
    #[error("certificate and key cannot be used")]
    Tls(#[from] rustls::Error),
    /// The port or a file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the simulator until `shutdown` is ready; `listening` is told the address once the port is open.
pub async fn run(
    arguments: Arguments,
    listening: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ArgumentsError> {
    let address = arguments.listen;
    let config = arguments.into_config()?;
    let listener = TcpListener::bind(address).await?;
    listening(listener.local_addr()?);
    Ok(serve(listener, config, shutdown).await?)
}

impl Arguments {
    fn into_config(self) -> Result<Config, ArgumentsError> {
        let behaviour = match (self.behaviour, &self.script) {
            (BehaviourName::Echo, _) => Behaviour::Echo,
            (BehaviourName::Parrot, _) => Behaviour::Parrot,
            (BehaviourName::Greeter, _) => Behaviour::Greeter,
            (BehaviourName::Script, Some(path)) => Behaviour::Script(read_script(path)?),
            (BehaviourName::Script, None) => Behaviour::Script(Vec::new()),
        };
        let words = Transcript::default();
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some(tls_config(certificate, key)?),
            _ => None,
        };
        Ok(Config {
            transcript: Transcript { caller: self.caller_words.unwrap_or(words.caller), agent: self.agent_words.unwrap_or(words.agent) },
            protocol: self.protocol,
            format: self.format.into(),
            faults: self.faults,
            tls,
            log_received: self.log_received,
            dump_audio: self.dump_audio,
            ..Config::new(behaviour)
        })
    }
}

fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, ArgumentsError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| ArgumentsError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(pem(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_no_client_auth().with_single_cert(chain, key)?))
}

fn parse_faults(text: &str) -> Result<Faults, String> {
    let mut faults = Faults::default();
    for fault in text.split(',').filter(|fault| !fault.is_empty()) {
        let (key, value) = fault.split_once('=').ok_or_else(|| format!("{fault} has no value"))?;
        let number = || value.parse().map(Some).map_err(|_| format!("{value} is no number of milliseconds"));
        match key {
            "drop_after_ms" => faults.drop_after_ms = number()?,
            "stall_after_ms" => faults.stall_after_ms = number()?,
            "error_after_ms" => faults.error_after_ms = number()?,
            "error_code" => faults.error_code = value.to_owned(),
            _ => return Err(format!("{key} is no fault: drop_after_ms, stall_after_ms, error_after_ms or error_code")),
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_and_unknown_ones_refused() {
        let faults = parse_faults("drop_after_ms=500,stall_after_ms=9,error_after_ms=20,error_code=session_expired").unwrap();
        let expected =
            Faults { drop_after_ms: Some(500), stall_after_ms: Some(9), error_after_ms: Some(20), error_code: "session_expired".into() };
        assert_eq!(faults, expected);
        assert_eq!(parse_faults(""), Ok(Faults::default()));
        assert!(parse_faults("explode=1").is_err());
        assert!(parse_faults("drop_after_ms=soon").is_err());
    }

    #[test]
    fn protocols_and_formats_have_the_names_of_the_configuration() {
        assert_eq!((config::word("voicelive"), config::word("pcm16k")), (Ok(Protocol::VoiceLive), Ok(WireFormat::Pcm16k)));
        assert!(config::word::<Protocol>("telegraph").is_err());
    }
}
