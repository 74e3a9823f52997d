//! The shell around the SIP endpoint: its transports, the queues to and from calls, and the clock.
//!
//! It receives, feeds, drains and waits, on a control thread. What a request means for a call is decided in
//! [`super::gateway`], what it means for a dialog in the `sip` crate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sip::endpoint::{Endpoint, Output};
use sip::header::Uri;
use tokio::sync::{mpsc, watch};

use super::gateway::{Gateway, StandingQuestion};
use super::locate::{LocateError, Locator};
use super::targets;
use super::toll::Settlement;
use super::transport::{Arrival, Destination, Ready, Transports};
use super::trunks::Directory;
use crate::call::event::{SignallingCommand, SignallingKey};
use crate::call::registry::{OutboundRequest, StartError};
use crate::call::transfer::{TransferOrder, TransferTarget};
use crate::domain::ladder::Way;

/// The SIP side of the gateway.
pub struct SipShell {
    /// Its sockets and connections.
    pub transports: Transports,
    /// Its protocol.
    pub endpoint: Endpoint,
    /// Its calls.
    pub gateway: Gateway,
    /// What calls want said.
    pub commands: mpsc::Receiver<(SignallingKey, SignallingCommand)>,
    /// Calls that the API wants made.
    pub outbound: mpsc::Receiver<OutboundRequest>,
    /// Finds their servers.
    pub locator: Locator,
    /// Trunks, numbers and tenants: another one takes effect at once.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// The servers of trunks.
    pub targets: mpsc::Receiver<targets::Found>,
    /// Who wants to know how things stand.
    pub questions: mpsc::Receiver<StandingQuestion>,
    /// What became of charges.
    pub settled: mpsc::Receiver<Settlement>,
}

impl SipShell {
    /// Speaks SIP until `stop` says otherwise.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let (to_shell, mut located) = mpsc::channel(LOCATING);
        self.take_directory(Instant::now());
        loop {
            let due = self.drain(Instant::now());
            let due = [due, self.gateway.poll_timeout(Instant::now())].into_iter().flatten().min();
            let wait = due.unwrap_or_else(|| Instant::now() + IDLE);
            tokio::select! {
                ready = self.transports.ready() => self.receive(ready),
                () = tokio::time::sleep_until(wait.into()) => self.handle_timeout(Instant::now()),
                Ok(()) = self.directory.changed() => self.take_directory(Instant::now()),
                Some((trunk, servers)) = self.targets.recv() => {
                    let flows = servers.into_iter().map(|server| self.transports.flow_to(server)).collect();
                    self.gateway.set_flows(Instant::now(), &trunk, flows);
                }
                Some(question) = self.questions.recv() => drop(question.send(self.gateway.standings(Instant::now()))),
                Some(settlement) = self.settled.recv() => self.gateway.settle(Instant::now(), &mut self.endpoint, &settlement),
                Some((key, command)) = self.commands.recv() => self.command(key, command, &to_shell),
                Some(request) = self.outbound.recv() => self.locate(Wanted::Call(request), &to_shell),
                Some((wanted, found)) = located.recv() => {
                    let flow_to = |destination| self.transports.flow_to(destination);
                    let servers = || found.map(|found| found.into_iter().map(flow_to).collect());
                    match wanted {
                        Wanted::Call(request) => self.gateway.dial(Instant::now(), &mut self.endpoint, request, servers),
                        Wanted::Transfer(key, order) => self.gateway.transfer(Instant::now(), &mut self.endpoint, key, &order, servers),
                    }
                }
                checked = self.gateway.verdict() => self.gateway.verified(Instant::now(), &mut self.endpoint, checked),
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.gateway.into_tap().close().await;
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.endpoint.handle_timeout(now);
        self.gateway.handle_timeout(now, &mut self.endpoint);
    }

    fn take_directory(&mut self, now: Instant) {
        let directory = Arc::clone(&self.directory.borrow_and_update());
        self.gateway.replace_directory(now, &mut self.endpoint, directory);
    }

    fn command(&mut self, key: SignallingKey, command: SignallingCommand, to_shell: &mpsc::Sender<(Wanted, Found)>) {
        match command {
            SignallingCommand::Transfer(order) => self.locate(Wanted::Transfer(key, order), to_shell),
            command => self.gateway.command(Instant::now(), &mut self.endpoint, key, command),
        }
    }

    /// Looks for servers beside everything else. Whoever asks while too many are looked for is told that there is no room.
    fn locate(&mut self, wanted: Wanted, to_shell: &mpsc::Sender<(Wanted, Found)>) {
        let Ok(place) = to_shell.clone().try_reserve_owned() else {
            return match wanted {
                Wanted::Call(request) => drop(request.reply.send(Err(StartError::Capacity))),
                Wanted::Transfer(key, order) => {
                    let nowhere = || Err(LocateError::TimedOut);
                    self.gateway.transfer(Instant::now(), &mut self.endpoint, key, &order, nowhere);
                }
            };
        };
        let locator = self.locator.clone();
        tokio::spawn(async move {
            let found = match wanted.target().map(Uri::parse) {
                Some(Ok(uri)) => locator.locate(&uri).await,
                _ => Err(LocateError::Scheme),
            };
            place.send((wanted, found));
        });
    }

    fn receive(&mut self, ready: Ready) {
        if self.gateway.is_closing() {
            self.endpoint.close();
        }
        match ready {
            Ready::Datagrams => self.transports.take_datagrams(Instant::now(), |transports, flow, message| {
                let now = Instant::now();
                self.gateway.tap().see(Way::Received, flow, &message);
                self.endpoint.handle_message(now, flow, message);
                drain(now, transports, &mut self.endpoint, &mut self.gateway);
            }),
            Ready::Arrival(first) => {
                self.arrive(first);
                for _ in 1..ARRIVALS_PER_WAKE {
                    let Some(arrival) = self.transports.try_arrival() else { return };
                    self.arrive(arrival);
                }
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = Instant::now();
        match arrival {
            Arrival::Message(flow, message) => {
                self.gateway.tap().see(Way::Received, flow, &message);
                self.endpoint.handle_message(now, flow, message);
            }
            Arrival::Unsent(transmit) => self.endpoint.handle_unsent(now, &transmit),
            // One that was opened again meanwhile is not gone for those who use it now.
            Arrival::Closed(connection) if self.transports.is_open(connection) => {}
            Arrival::Closed(connection) => self.endpoint.handle_closed(now, connection),
        }
        self.drain(now);
    }

    fn drain(&mut self, now: Instant) -> Option<Instant> {
        drain(now, &mut self.transports, &mut self.endpoint, &mut self.gateway)
    }
}

fn drain(now: Instant, transports: &mut Transports, endpoint: &mut Endpoint, gateway: &mut Gateway) -> Option<Instant> {
    loop {
        match endpoint.poll_output() {
            Output::Transmit(transmit) => {
                gateway.tap().see(Way::Sent, transmit.flow, &transmit.bytes);
                if let Err(unsent) = transports.send(transmit) {
                    endpoint.handle_unsent(now, &unsent);
                }
            }
            Output::Event(event) => gateway.event(now, endpoint, event),
            Output::Timeout(due) => return due,
        }
    }
}

/// Who wants to know where servers are.
enum Wanted {
    /// A call that the API asks for.
    Call(OutboundRequest),
    /// A call whose far end is to be sent elsewhere.
    Transfer(SignallingKey, TransferOrder),
}

impl Wanted {
    /// Of whom, if of anybody.
    fn target(&self) -> Option<&str> {
        match self {
            Self::Call(request) => Some(request.to.expose()),
            Self::Transfer(_, TransferOrder { target: TransferTarget::Blind(target), .. }) => Some(target.expose()),
            Self::Transfer(..) => None,
        }
    }
}

/// The servers of a call, or why there are none.
type Found = Result<Vec<Destination>, LocateError>;

/// Calls whose servers are looked for at one time.
const LOCATING: usize = 256;

/// The longest wait when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// Messages of connections that are taken before others run.
const ARRIVALS_PER_WAKE: usize = 32;
