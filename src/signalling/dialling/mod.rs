//! Numbers: what somebody wrote, which number that is, where it leads and what kind of service it is.
//!
//! Everything that is dialled toward a trunk passes [`Numbering::read`] and leaves as digits behind a plus: what was not
//! understood is refused, never passed on. So there is one form to hold against rules, and no second one to slip by them.

mod countries;
mod dial_string;
mod emergency;
mod services;

pub use countries::{Country, InvalidCountry};
pub use dial_string::{DialError, Number, Numbering};
pub use services::Service;
