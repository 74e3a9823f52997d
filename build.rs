//! The console's files are put into the program by a derive, and nothing else tells Cargo when they change.
#![expect(clippy::print_stdout, reason = "this is how Cargo is told")]

fn main() {
    println!("cargo::rerun-if-changed=console/dist");
}
