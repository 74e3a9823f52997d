//! Hashing passwords: argon2id (RFC 9106) on one thread of its own, with eight more that may wait. One more is refused at
//! once: a spray of sign-ins must not take the processor from calls, nor the memory from anybody.
//!
//! A bcrypt hash of an import verifies and is at once replaced. Somebody who is not known costs the same work as somebody
//! who is. Passwords are taken in Unicode's NFKC form, at setting and at checking.

use std::io;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

use crate::domain::redacted::Redacted;
use crate::identity::error::IdentityError;

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// What came of checking a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is the one.
    pub right: bool,
    /// The hash to keep from now on, where the one that was checked is of another kind or cost.
    pub rehashed: Option<Redacted<String>>,
}

/// Hashes and checks, one at a time. Dropping it finishes what is queued.
#[derive(Debug)]
pub struct PasswordHasher {
    queue: SyncSender<Job>,
    nobody: Redacted<String>,
    /// Jobs that were taken: the tests hold what is done for somebody against what is done for nobody.
    #[cfg(test)]
    jobs: std::sync::atomic::AtomicU64,
}

type Job = Box<dyn FnOnce(&Worker) + Send>;

/// What the thread has.
struct Worker {
    argon2: Argon2<'static>,
    cost: HashCost,
    /// The hash of nobody's password.
    nobody: String,
}

impl PasswordHasher {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be had, or the cost is none that argon2 knows.
    pub fn start(cost: HashCost) -> io::Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|_| io::ErrorKind::InvalidInput)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (queue, jobs) = sync_channel::<Job>(QUEUE_LEN);
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::from)?;
        let nobody = argon2.hash_password(&random).map_err(|_| io::ErrorKind::Other)?.to_string();
        let kept = Redacted::new(nobody.clone());
        thread::Builder::new().name("passwords".to_owned()).spawn(move || {
            let worker = Worker { argon2, cost, nobody };
            for job in jobs {
                job(&worker);
            }
        })?;
        Ok(Self {
            queue,
            nobody: kept,
            #[cfg(test)]
            jobs: Default::default(),
        })
    }

    /// The hash of nobody's password.
    pub(in crate::identity) const fn nobody(&self) -> &Redacted<String> {
        &self.nobody
    }

    /// The hash of a password.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait.
    pub async fn hash(&self, password: &Redacted<String>) -> Result<Redacted<String>, IdentityError> {
        let password = password.clone();
        self.run(move |worker| worker.hash(&normal(&password))).await?.ok_or_else(lost)
    }

    /// Whether `password` is the one that `hash` was made of; without a hash it is not, at the same cost.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait.
    pub async fn verify(&self, password: &Redacted<String>, hash: Option<&Redacted<String>>) -> Result<Verdict, IdentityError> {
        let (password, hash) = (password.clone(), hash.cloned());
        self.run(move |worker| worker.verify(&password, hash.as_ref())).await
    }

    /// Whether `password` is any of those that `hashes` were made of.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait.
    pub async fn is_any(&self, password: &Redacted<String>, hashes: Vec<Redacted<String>>) -> Result<bool, IdentityError> {
        let password = password.clone();
        self.run(move |worker| hashes.iter().any(|hash| worker.matches(&password, hash.expose()))).await
    }

    #[cfg(test)]
    pub(crate) fn jobs(&self) -> u64 {
        self.jobs.load(std::sync::atomic::Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Worker) -> T + Send + 'static) -> Result<T, IdentityError> {
        #[cfg(test)]
        self.jobs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |worker| {
            // Whoever asked may have gone away: then nobody wants the work done.
            if !reply.is_closed() {
                let _ = reply.send(work(worker));
            }
        });
        self.queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => IdentityError::Busy { retry_after: RETRY_AFTER },
            TrySendError::Disconnected(_) => lost(),
        })?;
        answer.await.map_err(|_| lost())
    }
}

impl Worker {
    fn hash(&self, password: &str) -> Option<Redacted<String>> {
        self.argon2.hash_password(password.as_bytes()).ok().map(|hash| Redacted::new(hash.to_string()))
    }

    fn verify(&self, password: &Redacted<String>, hash: Option<&Redacted<String>>) -> Verdict {
        let Some(hash) = hash.map(Redacted::expose) else {
            self.matches(password, &self.nobody);
            return Verdict { right: false, rehashed: None };
        };
        let right = self.matches(password, hash);
        let rehashed = if right && !self.is_current(hash) { self.hash(&normal(password)) } else { None };
        Verdict { right, rehashed }
    }

    fn matches(&self, password: &Redacted<String>, hash: &str) -> bool {
        let (written, password) = (password.expose(), normal(password));
        if is_bcrypt(hash) {
            // Whoever made it took passwords as they were written.
            let fits = |password: &str| bcrypt::verify(password, hash).unwrap_or(false);
            return fits(written) || (*written != password && fits(&password));
        }
        PasswordHash::new(hash).is_ok_and(|hash| self.argon2.verify_password(password.as_bytes(), &hash).is_ok())
    }

    fn is_current(&self, hash: &str) -> bool {
        hash.starts_with(&format!("$argon2id$v=19$m={},t={},p=1$", self.cost.memory_kib, self.cost.passes))
    }
}

/// Whether an import's hash is one that verifies here, and in a time for which others can wait.
#[must_use]
pub(crate) fn is_importable(hash: &str) -> bool {
    is_bcrypt(hash) && hash.get(4..6).and_then(|cost| cost.parse::<u32>().ok()).is_some_and(|cost| cost <= MAX_BCRYPT_COST)
}

fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|start| hash.starts_with(start)) && hash.len() == 60
}

fn normal(password: &Redacted<String>) -> String {
    password.expose().nfkc().collect()
}

fn lost() -> IdentityError {
    IdentityError::System(io::ErrorKind::BrokenPipe.into())
}

/// A second or so of work; each further step doubles it, up to days.
const MAX_BCRYPT_COST: u32 = 14;
/// Passwords that may wait while one is hashed.
const QUEUE_LEN: usize = 8;
/// The queue is through by then.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 64, passes: 1 };

    fn text(text: &str) -> Redacted<String> {
        Redacted::new(text.to_owned())
    }

    #[tokio::test]
    async fn the_right_password_verifies_in_any_spelling_of_its_characters_and_no_other_does() {
        let hasher = PasswordHasher::start(CHEAP).unwrap();
        let hash = hasher.hash(&text("caf\u{e9} au lait et tartine")).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let right = hasher.verify(&text("cafe\u{301} au lait et tartine"), Some(&hash)).await.unwrap();
        assert_eq!(right, Verdict { right: true, rehashed: None });
        for wrong in ["cafe au lait et tartine", "caf\u{e9} au lait et tartine ", ""] {
            assert!(!hasher.verify(&text(wrong), Some(&hash)).await.unwrap().right, "{wrong}");
        }
        assert!(!hasher.verify(&text("anything"), None).await.unwrap().right);
        assert!(!hasher.verify(&text("anything"), Some(&text("no hash at all"))).await.unwrap().right);
    }

    #[tokio::test]
    async fn a_hash_of_an_import_or_of_another_cost_verifies_and_is_replaced() {
        let hasher = PasswordHasher::start(CHEAP).unwrap();
        let imported = text(&bcrypt::hash("an imported password", 4).unwrap());
        let dearer =
            PasswordHasher::start(HashCost { memory_kib: 128, passes: 2 }).unwrap().hash(&text("an imported password")).await.unwrap();
        for old in [imported, dearer] {
            let verdict = hasher.verify(&text("an imported password"), Some(&old)).await.unwrap();
            let new = verdict.rehashed.unwrap();
            assert!(
                verdict.right
                    && hasher.verify(&text("an imported password"), Some(&new)).await.unwrap() == Verdict { right: true, rehashed: None }
            );
            assert_eq!(hasher.verify(&text("another"), Some(&old)).await.unwrap(), Verdict { right: false, rehashed: None });
        }
    }

    #[tokio::test]
    async fn an_import_took_passwords_as_they_were_written() {
        let hasher = PasswordHasher::start(CHEAP).unwrap();
        // NFKC makes three full stops, "TM" and "2" of these.
        let written = text("na\u{ef}ve\u{2122} \u{2026} x\u{b2}");
        let imported = text(&bcrypt::hash(written.expose(), 4).unwrap());
        let new = hasher.verify(&written, Some(&imported)).await.unwrap().rehashed.unwrap();
        assert!(hasher.verify(&written, Some(&new)).await.unwrap().right);
        assert!(hasher.verify(&text("nai\u{308}veTM ... x2"), Some(&new)).await.unwrap().right, "from then on in one form");
    }

    #[test]
    fn a_hash_that_would_take_days_is_not_imported() {
        let of = |cost: &str| format!("$2b${cost}${}", "x".repeat(53));
        assert!(is_importable(&of("04")) && is_importable(&of("14")));
        assert!(!is_importable(&of("15")) && !is_importable(&of("31")) && !is_importable(&of("xx")) && !is_importable("$2b$12$short"));
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused_at_once() {
        let hasher = PasswordHasher::start(HashCost { memory_kib: 19_456, passes: 2 }).unwrap();
        let password = text("password of a spray");
        let outcomes = futures_util::future::join_all((0..40).map(|_| hasher.verify(&password, None))).await;
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(IdentityError::Busy { .. }))).count();
        // Eight wait, and perhaps some have been taken up already: more where the machine is slow to ask.
        assert!((20..=32).contains(&refused), "{refused} of 40");
    }

    /// The time that tells whether somebody is known; on a busy machine the shortest is what the work takes.
    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let hasher = PasswordHasher::start(HashCost { memory_kib: 4_096, passes: 1 }).unwrap();
        let hash = hasher.hash(&text("the right password")).await.unwrap();
        let mut times: [Vec<Duration>; 2] = Default::default();
        for _ in 0..60 {
            for (known, times) in times.iter_mut().enumerate() {
                let started = std::time::Instant::now();
                hasher.verify(&text("the wrong password"), (known == 1).then_some(&hash)).await.unwrap();
                times.push(started.elapsed());
            }
        }
        let [unknown, known] = times.map(|times| times.into_iter().min().unwrap_or_default().as_secs_f64());
        assert!((unknown / known - 1.0).abs() < 0.2, "{unknown} s against {known} s");
    }
}
