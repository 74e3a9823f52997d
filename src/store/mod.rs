//! Documents in a database.
