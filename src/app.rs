//! Wiring: which part runs where.
