//! Fifty calls that talk while something else goes on, each with room noise of its own.

use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auricle::agent::simulator::{Behaviour, Config};
use tokio::task::JoinHandle;

use crate::agents::{Agent, route};
use crate::caller::{Caller, plain};
use crate::server::{Server, Wanted};
use crate::speech::Room;

/// How many they are.
pub(crate) const CALLS: u8 = 50;

/// A gateway with an agent that says again what it hears, and callers who talk to it.
pub(crate) struct Talkers {
    pub(crate) server: Server,
    /// Where the gateway takes RTP of each.
    pub(crate) rtp: Vec<SocketAddr>,
    talking: Arc<AtomicBool>,
    calls: Vec<JoinHandle<Caller>>,
    _agent: Agent,
}

impl Talkers {
    /// They call, and begin to talk.
    pub(crate) async fn start() -> Self {
        let agent = Agent::start(Config::new(Behaviour::Echo), ready(())).await;
        let mut agents = String::new();
        route(&mut agents, "1000", agent.address, "pcm24k", "when_agent_ready", "");
        let server = Server::start(&Wanted { agents, log_level: "info", log_format: "text" });
        let talking = Arc::new(AtomicBool::new(true));
        let (mut rtp, mut calls) = (Vec::new(), Vec::new());
        for index in 0..CALLS {
            let mut caller = Caller::invite(server.sip, "1000", address(index), plain).await.expect("the call is answered");
            rtp.push(caller.rtp());
            let talking = Arc::clone(&talking);
            calls.push(tokio::spawn(async move {
                caller.acknowledge().await;
                let mut room = Room::new(u32::from(index));
                caller.talk(std::iter::from_fn(|| talking.load(Ordering::Relaxed).then(|| room.frame()))).await;
                caller.hang_up().await;
                caller
            }));
        }
        Self { server, rtp, talking, calls, _agent: agent }
    }

    /// They have said enough, and hang up.
    pub(crate) async fn finish(self) -> (Server, Vec<Caller>) {
        self.talking.store(false, Ordering::Relaxed);
        let mut callers = Vec::new();
        for call in self.calls {
            callers.push(call.await.expect("a call goes on to its end"));
        }
        (self.server, callers)
    }
}

/// Where the caller of this number calls from.
pub(crate) fn address(index: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 77, 66, 10 + index))
}
