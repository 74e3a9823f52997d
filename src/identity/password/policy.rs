//! Which passwords may be chosen: 15 characters and more, of any kind, none that others would try first. No rules of
//! composition, no hints, no change for the calendar's sake (NIST SP 800-63B-4 section 3.1.1.2).

use std::collections::HashSet;
use std::path::Path;
use std::{fs, io};

use unicode_normalization::UnicodeNormalization;

use crate::domain::redacted::Redacted;

/// Why a password does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too few or too many characters.
    #[error("it must have {MIN_LEN} to {MAX_LEN} characters")]
    Length,
    /// It is on the list of those that are tried first, or hardly more than the name of somebody or something near.
    #[error("it is one that others would try")]
    Blocked,
    /// It is guessed too soon.
    #[error("it is too easily guessed")]
    Weak,
    /// It is one of the last five.
    #[error("it was used before")]
    UsedBefore,
}

/// Judges passwords.
#[derive(Debug)]
pub struct PasswordPolicy {
    blocked: HashSet<String>,
}

impl PasswordPolicy {
    /// With the passwords of `file`, one a line, beside those that are built in.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn load(file: Option<&Path>) -> io::Result<Self> {
        let more = file.map(fs::read_to_string).transpose()?.unwrap_or_default();
        Ok(Self { blocked: BLOCKED.lines().chain(more.lines()).map(plain).filter(|word| !word.is_empty()).collect() })
    }

    /// Whether it may be chosen by somebody of whom `near` is known: their name and address, their organisation's name.
    ///
    /// # Errors
    /// When it may not, with the reason.
    pub fn check(&self, password: &Redacted<String>, near: &[&str]) -> Result<(), PasswordFault> {
        let password: String = password.expose().nfkc().collect();
        if !(MIN_LEN..=MAX_LEN).contains(&password.chars().count()) {
            return Err(PasswordFault::Length);
        }
        let plain_password = plain(&password);
        if self.blocked.contains(&plain_password) || left_without(&plain_password, near) < MIN_OWN {
            return Err(PasswordFault::Blocked);
        }
        let words: Vec<&str> = near.iter().copied().chain(PRODUCT.iter().copied()).collect();
        // It looks at the first hundred characters, in a time that grows with their square.
        if zxcvbn::zxcvbn(&password, &words).score() < zxcvbn::Score::Three {
            return Err(PasswordFault::Weak);
        }
        Ok(())
    }
}

/// In lower case, without what stands between letters and digits, and with the digits that stand for letters read as such.
fn plain(text: &str) -> String {
    let letter = |character: char| match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How many characters are left when the words that anybody knows are taken out.
fn left_without(password: &str, near: &[&str]) -> usize {
    let known = near.iter().flat_map(|text| text.split(|character: char| !character.is_alphanumeric()));
    let mut words: Vec<String> = known.chain(PRODUCT.iter().copied()).map(plain).filter(|word| word.chars().count() >= 3).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.iter().fold(password.to_owned(), |left, word| left.replace(word.as_str(), "")).chars().count()
}

const MIN_LEN: usize = 15;
const MAX_LEN: usize = 256;
/// Characters that must be its chooser's own.
const MIN_OWN: usize = 8;
const PRODUCT: &[&str] = &["auricle", "password", "patient", "clinic", "hospital", "health", "admin", "welcome"];
/// Of the passwords that are tried first those that are long enough to be chosen here, in plain form.
const BLOCKED: &str = include_str!("blocked.txt");

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str) -> Result<(), PasswordFault> {
        let near = ["Ada Lovelace", "ada.lovelace@example.org", "Northern Lights Practice"];
        PasswordPolicy::load(None).unwrap().check(&Redacted::new(password.to_owned()), &near)
    }

    #[test]
    fn length_counts_characters_and_nothing_else_is_asked_for() {
        assert_eq!(check("fourteen chars"), Err(PasswordFault::Length));
        assert_eq!(check("gravel tin orbit lamp"), Ok(()));
        assert_eq!(check("größere Übelkeit ärgert"), Ok(()));
        assert_eq!(check(&"ab cd efg".repeat(29)), Err(PasswordFault::Length));
    }

    #[test]
    fn what_others_would_try_is_refused() {
        for password in
            ["passwordpassword", "P@ssw0rd P@ssw0rd", "correct horse battery staple", "Correct-Horse-Battery-Staple", "123456789012345"]
        {
            assert_eq!(check(password), Err(PasswordFault::Blocked), "{password}");
        }
        for password in ["aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "qwertzuiopasdfgh"] {
            assert!(check(password).is_err(), "{password}");
        }
    }

    #[test]
    fn the_names_around_somebody_make_no_password() {
        for password in ["Ada Lovelace 2026", "northernlightspractice1", "auricle-password-1", "l0velace@example.org"] {
            assert_eq!(check(password), Err(PasswordFault::Blocked), "{password}");
        }
    }

    #[test]
    fn a_file_adds_to_the_list() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "gravel tin orbit lamp\n\n").unwrap();
        let policy = PasswordPolicy::load(Some(file.path())).unwrap();
        assert_eq!(policy.check(&Redacted::new("Gravel-Tin-Orbit-Lamp".to_owned()), &[]), Err(PasswordFault::Blocked));
    }
}
