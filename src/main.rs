//! The `auricle` command.

fn main() {}
