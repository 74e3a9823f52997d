//! Between SIP and calls.
