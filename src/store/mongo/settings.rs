//! Settings of MongoDB, by the names that its other users have: from the environment alone, since the address holds a
//! password.

use std::time::Duration;

use mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria, WriteConcern};

use crate::domain::redacted::Redacted;

/// Where MongoDB is and how it is spoken to.
#[derive(Clone, Debug)]
pub struct MongoSettings {
    /// `MONGO_URI`.
    pub uri: Redacted<String>,
    /// `MONGO_DB_NAME`, `auricle`.
    pub database: String,
    /// `MONGO_MAX_POOL_SIZE`, 10.
    pub max_pool_size: u32,
    /// `MONGO_SERVER_SELECTION_TIMEOUT_MS`, 5000.
    pub server_selection_timeout: Duration,
    /// How long one command may take, 60 s.
    pub command_timeout: Duration,
    /// When a batch that is not committed counts as left behind, 10 s: nodes' clocks have to agree to that.
    pub abandoned_after: Duration,
}

/// Why the environment names no MongoDB.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MongoSettingsError {
    /// It is to be used and not named.
    #[error("MONGO_URI is not set")]
    NoUri,
    /// A number that is none, or out of bounds.
    #[error("{name} must be a number from {min} to {max}")]
    Number {
        /// The variable.
        name: &'static str,
        /// At least.
        min: u64,
        /// At most.
        max: u64,
    },
}

impl MongoSettings {
    /// The server at `uri`, with everything else as it is by default.
    #[must_use]
    pub fn at(uri: Redacted<String>) -> Self {
        Self {
            uri,
            database: "auricle".to_owned(),
            max_pool_size: 10,
            server_selection_timeout: Duration::from_secs(5),
            command_timeout: Duration::from_secs(60),
            abandoned_after: Duration::from_secs(10),
        }
    }

    /// What `variable` says of it.
    ///
    /// # Errors
    /// When no address is named or a number is none.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MongoSettingsError> {
        let number = |name: &'static str, default: u64, min: u64, max: u64| match variable(name) {
            None => Ok(default),
            Some(text) => {
                text.parse().ok().filter(|number| (min..=max).contains(number)).ok_or(MongoSettingsError::Number { name, min, max })
            }
        };
        let mut settings = Self::at(Redacted::new(variable("MONGO_URI").ok_or(MongoSettingsError::NoUri)?));
        settings.database = variable("MONGO_DB_NAME").unwrap_or(settings.database);
        settings.max_pool_size = u32::try_from(number("MONGO_MAX_POOL_SIZE", 10, 1, 1_000)?).unwrap_or(10);
        settings.server_selection_timeout = Duration::from_millis(number("MONGO_SERVER_SELECTION_TIMEOUT_MS", 5_000, 100, 60_000)?);
        Ok(settings)
    }

    pub(super) fn apply(&self, options: &mut ClientOptions) {
        options.app_name = Some("auricle".to_owned());
        options.max_pool_size = Some(self.max_pool_size);
        options.server_selection_timeout = Some(self.server_selection_timeout);
        options.connect_timeout = Some(CONNECT_TIMEOUT);
        options.retry_reads = Some(true);
        options.retry_writes = Some(true);
        // Whatever the address says of it: a batch holds by what it reads, and a copy that lags behind holds nothing.
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build());
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<MongoSettings, MongoSettingsError> {
        MongoSettings::from_environment(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_the_address_has_to_be_named_and_it_is_never_shown() {
        let settings = read(&[("MONGO_URI", "mongodb://user:planted@db/")]).unwrap();
        assert_eq!((settings.database.as_str(), settings.max_pool_size, settings.server_selection_timeout.as_secs()), ("auricle", 10, 5));
        assert!(!format!("{settings:?}").contains("planted"));
        assert_eq!(read(&[]).unwrap_err(), MongoSettingsError::NoUri);
    }

    #[test]
    fn a_number_that_is_none_is_named() {
        for (name, value) in [("MONGO_MAX_POOL_SIZE", "many"), ("MONGO_MAX_POOL_SIZE", "0"), ("MONGO_SERVER_SELECTION_TIMEOUT_MS", "-1")] {
            let refused = read(&[("MONGO_URI", "x"), (name, value)]).unwrap_err();
            assert!(refused.to_string().starts_with(name), "{refused}");
        }
    }

    #[tokio::test]
    async fn the_primary_is_read_whatever_the_address_asks_for() {
        let uri = "mongodb://db.example/?readPreference=secondaryPreferred&readConcernLevel=local&w=1";
        let mut options = ClientOptions::parse(uri).await.unwrap();
        assert!(matches!(options.selection_criteria, Some(SelectionCriteria::ReadPreference(ReadPreference::SecondaryPreferred { .. }))));
        MongoSettings::at(Redacted::new(uri.to_owned())).apply(&mut options);
        assert_eq!(options.selection_criteria, Some(SelectionCriteria::ReadPreference(ReadPreference::Primary)));
        assert_eq!(options.write_concern.and_then(|concern| concern.w), Some(Acknowledgment::Majority));
    }
}
