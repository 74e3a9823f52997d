//! `auricle agent-simulator`: a streaming AI that is none, to test against.
