//! The configuration, validated whole before any port opens.
