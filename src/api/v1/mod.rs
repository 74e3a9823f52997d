//! Version 1 of the interface.

mod call_view;
pub(super) mod calls;
