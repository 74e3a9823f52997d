//! The master key: what wraps every organisation's keys, and lies in no database and no backup of one.
//!
//! It is derived (HKDF-SHA256, RFC 5869) from a secret that the environment or a file of its own gives; former ones
//! still unwrap, so that it can be changed while the gateway runs. Where none is given, one is made beside the store,
//! which protects copies of the database alone; production wants it elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::domain::redacted::Redacted;

/// The current master key, and those before it.
#[derive(Debug)]
pub struct MasterKeys {
    keys: Vec<MasterKey>,
}

/// Why there is no master key, or why it does not do.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// Its file cannot be read or written.
    #[error("the file of the master secret cannot be used")]
    File(#[from] io::Error),
    /// Its file or variable holds too little.
    #[error("the master secret must have at least {MIN_SECRET_LEN} bytes")]
    Short,
    /// What is to be unwrapped was wrapped by another.
    #[error("wrapped by master key {id}, which is not among those given")]
    Unknown {
        /// The name of that key.
        id: String,
    },
    /// What is to be unwrapped was changed.
    #[error("a wrapped key does not open")]
    Tampered,
    /// The operating system has no randomness.
    #[error("no randomness for a key")]
    Randomness,
}

#[derive(Debug)]
struct MasterKey {
    id: String,
    key: LessSafeKey,
}

impl MasterKeys {
    /// Derived from `current`; `former` ones unwrap only.
    ///
    /// # Errors
    /// When one is too short.
    pub fn new(current: &Redacted<String>, former: &[Redacted<String>]) -> Result<Self, MasterKeyError> {
        let keys = std::iter::once(current).chain(former).map(|secret| MasterKey::derive(secret.expose())).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// Derived from the secret in `file`, which is made when it is missing, readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be used or holds too little.
    pub fn open(file: &Path, former: &[Redacted<String>]) -> Result<Self, MasterKeyError> {
        let secret = match fs::read_to_string(file) {
            Ok(secret) => Redacted::new(secret.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(file)?,
            Err(error) => return Err(error.into()),
        };
        Self::new(&secret, former)
    }

    /// Seals `plain` under the current key; `bound` has to be the same when it is opened.
    pub(in crate::store) fn wrap(&self, plain: &[u8], bound: &str) -> Result<(String, String), MasterKeyError> {
        let current = self.keys.first().ok_or(MasterKeyError::Short)?;
        Ok((current.id.clone(), seal(&current.key, bound.as_bytes(), plain).map_err(|_| MasterKeyError::Randomness)?))
    }

    pub(in crate::store) fn unwrap(&self, id: &str, wrapped: &str, bound: &str) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| MasterKeyError::Unknown { id: id.to_owned() })?;
        open(&key.key, bound.as_bytes(), wrapped).map_err(|Unopened| MasterKeyError::Tampered)
    }

    /// Whether `id` is the key that wraps now.
    pub(super) fn is_current(&self, id: &str) -> bool {
        self.keys.first().is_some_and(|current| current.id == id)
    }
}

impl MasterKey {
    fn derive(secret: &str) -> Result<Self, MasterKeyError> {
        if secret.len() < MIN_SECRET_LEN {
            return Err(MasterKeyError::Short);
        }
        let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"auricle master key").extract(secret.as_bytes());
        let key = derived.expand(&[b"wrap"], &AES_256_GCM).map(UnboundKey::from).map_err(|_| MasterKeyError::Short)?;
        let name = hmac::Key::from(derived.expand(&[b"name"], hmac::HMAC_SHA256).map_err(|_| MasterKeyError::Short)?);
        let id = hmac::sign(&name, b"id").as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { id, key: LessSafeKey::new(key) })
    }
}

/// The nonce and what was sealed, as text. Each nonce is random: under one key that is sound for 2³² texts (NIST
/// SP 800-38D section 8.3), more than an organisation writes between two rotations.
pub(super) fn seal(key: &LessSafeKey, bound: &[u8], plain: &[u8]) -> Result<String, getrandom::Error> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    let mut text = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text)
        .map_err(|_| getrandom::Error::UNEXPECTED)?;
    sealed.extend_from_slice(&text);
    Ok(base64_simd::URL_SAFE_NO_PAD.encode_to_string(sealed))
}

/// What was sealed does not open: another key, another place, or changed.
#[derive(Debug)]
pub(super) struct Unopened;

pub(super) fn open(key: &LessSafeKey, bound: &[u8], sealed: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let mut sealed = Zeroizing::new(base64_simd::URL_SAFE_NO_PAD.decode_to_vec(sealed).map_err(|_| Unopened)?);
    let (nonce, text) = sealed.split_at_mut_checked(NONCE_LEN).ok_or(Unopened)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened)?;
    let plain = key.open_in_place(nonce, Aad::from(bound), text).map_err(|_| Unopened)?;
    Ok(Zeroizing::new(plain.to_vec()))
}

/// Written beside and moved into place: a crash leaves no file or a whole one.
fn make(file: &Path) -> Result<Redacted<String>, MasterKeyError> {
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).map_err(|_| MasterKeyError::Randomness)?;
    let secret = hex::encode(*random);
    let directory = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let beside = file.with_extension("new");
    let mut written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    writeln!(written, "{secret}")?;
    written.sync_all()?;
    fs::rename(beside, file)?;
    File::open(directory)?.sync_all()?;
    Ok(Redacted::new(secret))
}

const MIN_SECRET_LEN: usize = 32;
