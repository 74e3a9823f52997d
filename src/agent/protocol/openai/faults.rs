//! What the API's error codes mean for us.

use super::super::Outputs;
use super::super::json::{stable_code, warn};
use super::incoming::ErrorBody;
use crate::agent::model::{AgentEvent, AgentFault, FaultClass};

/// What to make of an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Worth knowing, of no consequence: the stable code of a warning.
    Harmless(String),
    /// A fault.
    Fault(AgentFault),
}

/// Judges an error by its code, then by its type. Codes we do not know are the provider's own fault.
pub(super) fn judge(error: &ErrorBody<'_>) -> Verdict {
    if error.message.as_deref().is_some_and(|message| message.contains(TRUNCATED_BEYOND_AUDIO)) {
        return Verdict::Harmless("truncate_beyond_audio".to_owned());
    }
    let code = error.code.as_deref().unwrap_or_default();
    let kind = error.r#type.as_deref().unwrap_or_default();
    if HARMLESS.contains(&code) {
        return Verdict::Harmless(code.to_owned());
    }
    let class = match code {
        "session_expired" => FaultClass::Expired,
        "rate_limit_exceeded" | "insufficient_quota" | "too_many_requests" => FaultClass::Limited,
        "invalid_api_key" | "account_deactivated" | "model_not_found" | "beta_api_shape_disabled" | "insufficient_permissions" => {
            FaultClass::Refused
        }
        _ => match kind {
            "authentication_error" | "permission_error" => FaultClass::Refused,
            "rate_limit_error" | "insufficient_quota" | "tokens" | "requests" => FaultClass::Limited,
            "invalid_request_error" => FaultClass::Request,
            _ => FaultClass::Provider,
        },
    };
    let code = [code, kind].into_iter().find(|word| !word.is_empty()).unwrap_or("unknown");
    Verdict::Fault(AgentFault { class, code: stable_code(code) })
}

/// Tells of what made a response fail; of which kind that was, where it is a fault.
pub(super) fn tell(error: &ErrorBody<'_>, out: &mut Outputs<'_>) -> Option<FaultClass> {
    let fault = match judge(error) {
        // A response that failed without a code failed by the provider's own doing.
        Verdict::Fault(AgentFault { code, .. }) if code == "unknown" => {
            AgentFault { class: FaultClass::Provider, code: "response_failed".to_owned() }
        }
        Verdict::Fault(fault) => fault,
        Verdict::Harmless(code) => {
            warn(&code, out);
            return None;
        }
    };
    let class = fault.class;
    out.events.push(AgentEvent::Error(fault));
    Some(class)
}

/// Whether a close code promises that a new connection could do better: those on which the vendor's own client
/// connects again, and a transport that broke without any code.
pub(super) fn is_retryable(code: Option<u16>) -> bool {
    code.is_none_or(|code| matches!(code, 1001 | 1005 | 1006 | 1011 | 1012 | 1013 | 1015))
}

/// The API has no code for it; the sentence reads "Audio content of X ms is already shorter than Y ms".
const TRUNCATED_BEYOND_AUDIO: &str = "already shorter than";

/// A cancel that came after the end, a commit of nothing: the race is lost, nothing else is.
const HARMLESS: [&str; 3] = ["response_cancel_not_active", "input_audio_buffer_commit_empty", "conversation_already_has_active_response"];

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of(kind: &'static str, code: &'static str) -> FaultClass {
        match judge(&ErrorBody { r#type: Some(kind.into()), code: Some(code.into()), ..ErrorBody::default() }) {
            Verdict::Fault(fault) => fault.class,
            Verdict::Harmless(code) => panic!("{code} is a fault"),
        }
    }

    #[test]
    fn codes_are_classified_by_what_a_second_try_would_bring() {
        assert_eq!(class_of("invalid_request_error", "session_expired"), FaultClass::Expired);
        assert_eq!(class_of("invalid_request_error", "invalid_api_key"), FaultClass::Refused);
        assert_eq!(class_of("invalid_request_error", "beta_api_shape_disabled"), FaultClass::Refused);
        assert_eq!(class_of("tokens", "rate_limit_exceeded"), FaultClass::Limited);
        assert_eq!(class_of("invalid_request_error", "invalid_value"), FaultClass::Request);
        assert_eq!(class_of("server_error", ""), FaultClass::Provider);
        assert_eq!(class_of("novelty", "news"), FaultClass::Provider);
    }

    #[test]
    fn a_truncate_beyond_the_audio_is_a_warning() {
        let message = "Audio content of 1200ms is already shorter than 1300ms".into();
        let error = ErrorBody { r#type: Some("invalid_request_error".into()), message: Some(message), ..ErrorBody::default() };
        assert_eq!(judge(&error), Verdict::Harmless("truncate_beyond_audio".into()));
    }

    #[test]
    fn only_close_codes_that_promise_better_luck_are_tried_again() {
        for code in [1001, 1005, 1006, 1011, 1012, 1013, 1015] {
            assert!(is_retryable(Some(code)));
        }
        for code in [1000, 1002, 1003, 1007, 1008, 1009, 4000] {
            assert!(!is_retryable(Some(code)));
        }
        assert!(is_retryable(None));
    }
}
