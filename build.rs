//! The console's files are put into the program by a derive, and nothing else tells Cargo when they change.

fn main() {
    println!("cargo::rerun-if-changed=console/dist");
}
