//! The contract suite and what only a server can do to a store, against `MONGO_URI` where it is set, and otherwise against
//! a server of the wire protocol that `scripts/setup.sh test` fetches: mongo-java-server, which changes a document in one
//! step, as MongoDB does. FerretDB 1.24.2 on SQLite does not (it reads, then writes: two writers on one version both win),
//! so that what the contract says of concurrent writers and of batches does not hold there, and the rest does.

mod crash;
mod faults;
mod proxy;
mod server;

use std::io::Write as _;

use self::server::{Server, uri};
use super::*;
use crate::domain::redacted::Redacted;
use crate::store::COLLECTIONS;
use crate::store::contract::{CONTRACT_COLLECTIONS, contract};

/// A fresh database; none, and a word about it, where there is no server.
async fn fresh() -> Option<(Arc<dyn Documents>, ())> {
    let settings = fresh_settings(uri()?);
    Some((MongoDocuments::open(settings, CONTRACT_COLLECTIONS).await.unwrap(), ()))
}

fn fresh_settings(uri: String) -> MongoSettings {
    MongoSettings { database: format!("test_{}", command::mark()), ..MongoSettings::at(Redacted::new(uri)) }
}

/// Past the capture of test output.
fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _written = writeln!(std::io::stderr(), "skipped: {reason} ({test})");
}

contract!(match fresh().await {
    Some(found) => found,
    None => return,
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_collection_of_the_product_answers_what_it_is_indexed_for() {
    let Some(uri) = uri() else { return };
    let documents = MongoDocuments::open(fresh_settings(uri), COLLECTIONS).await.unwrap();
    crate::store::contract::every_collection_of_the_product_answers_what_it_is_indexed_for(documents).await;
}
