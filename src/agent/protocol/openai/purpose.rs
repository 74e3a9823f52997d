//! What our messages are for, as errors tell it back.

/// What a message of ours was for; written into its `event_id`, so that an error can be laid to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Settings,
    Response,
    Cancel,
    Item,
    Truncate,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Settings, Self::Response, Self::Cancel, Self::Item, Self::Truncate];

    /// How the names of such messages begin.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Settings => "settings_",
            Self::Response => "response_",
            Self::Cancel => "cancel_",
            Self::Item => "item_",
            Self::Truncate => "truncate_",
        }
    }

    /// What a message with this name was for.
    pub(super) fn of(event_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| event_id.starts_with(purpose.prefix()))
    }
}
