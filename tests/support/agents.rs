//! Streaming AIs in the test's own process, and how the gateway is told of them.

use std::fmt::Write as _;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use auricle::agent::simulator::{self, Config, Observations};
use tokio::net::TcpListener;

/// An agent that listens, and what it sees.
pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Observations,
}

impl Agent {
    /// Starts an agent on a task of its own; until `ready` it takes connections without a word.
    pub(crate) async fn start(config: Config, ready: impl Future<Output = ()> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let agent = Self { address: listener.local_addr().expect("an address"), seen: config.observations.clone() };
        tokio::spawn(async move {
            ready.await;
            simulator::serve(listener, config, std::future::pending()).await
        });
        agent
    }
}

/// `[agents.…]` and `[numbers.…]` for one more number; `settings` are further lines of the agent.
pub(crate) fn route(toml: &mut String, number: &str, agent: SocketAddr, format: &str, answer: &str, settings: &str) {
    let scheme = if settings.contains("protocol = \"ultravox\"") { "http" } else { "ws" };
    write!(
        toml,
        "[agents.for-{number}]\nurl = \"{scheme}://{agent}/\"\nformat = \"{format}\"\n{settings}\n\
         [numbers.\"{number}\"]\nagent = \"for-{number}\"\nanswer = \"{answer}\"\n"
    )
    .expect("a string takes it");
}
