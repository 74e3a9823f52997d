//! What clients sent, on disk: one JSON line a message without its audio, and the audio itself where wanted.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use base64_simd::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::observations::lock;

/// Where messages are written down.
pub(super) struct Recorder {
    log: Option<Arc<Mutex<File>>>,
    audio_dir: Option<PathBuf>,
    sessions: AtomicU64,
}

/// The record of one session; does nothing where nothing is to be written.
pub(super) struct Recording {
    log: Option<Arc<Mutex<File>>>,
    audio: Option<File>,
    session: u64,
    digest: Sha256,
    len_bytes: u64,
}

impl Recorder {
    pub(super) fn open(log: Option<&Path>, audio_dir: Option<PathBuf>) -> io::Result<Self> {
        if let Some(dir) = &audio_dir {
            std::fs::create_dir_all(dir)?;
        }
        let log = log.map(File::create).transpose()?.map(|file| Arc::new(Mutex::new(file)));
        Ok(Self { log, audio_dir, sessions: AtomicU64::new(0) })
    }

    pub(super) fn begin(&self) -> Recording {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        // A file that cannot be made is a file that is missed: the one who wants it will see.
        let audio = self.audio_dir.as_ref().and_then(|dir| File::create(dir.join(format!("session-{session}.raw"))).ok());
        Recording { log: self.log.clone(), audio, session, digest: Sha256::new(), len_bytes: 0 }
    }
}

impl Recording {
    /// Writes a message down. Audio stands in the line as its length and the digest of all audio up to here.
    pub(super) fn record(&mut self, text: &str) {
        if self.log.is_none() && self.audio.is_none() {
            return;
        }
        let mut message = serde_json::from_str(text).unwrap_or_else(|_| json!({"unreadable_len_bytes": text.len()}));
        let place = AUDIO.into_iter().find(|place| message.pointer(place).is_some_and(Value::is_string));
        if let Some(field) = place.and_then(|place| message.pointer_mut(place)) {
            let audio = field.as_str().and_then(|base64| STANDARD.decode_to_vec(base64).ok()).unwrap_or_default();
            *field = self.keep(&audio);
        }
        self.write(&message);
    }

    /// The same of a message of bytes, which is taken for audio.
    pub(super) fn record_bytes(&mut self, bytes: &[u8]) {
        if self.log.is_none() && self.audio.is_none() {
            return;
        }
        let audio = self.keep(bytes);
        self.write(&json!({"bytes": audio}));
    }

    fn keep(&mut self, audio: &[u8]) -> Value {
        self.digest.update(audio);
        self.len_bytes += audio.len() as u64;
        if let Some(file) = &mut self.audio {
            let _ = file.write_all(audio);
        }
        let digest = hex::encode(self.digest.clone().finalize());
        json!({"len_bytes": audio.len(), "total_len_bytes": self.len_bytes, "total_sha256": digest})
    }

    fn write(&self, message: &Value) {
        if let Some(log) = &self.log {
            let _ = writeln!(lock(log), "{}", json!({"session": self.session, "message": message}));
        }
    }
}

/// Where audio stands in a message: of OpenAI's protocols, of carriers, of ElevenLabs, of Gemini.
const AUDIO: [&str; 4] = ["/audio", "/media/payload", "/user_audio_chunk", "/realtimeInput/audio/data"];
