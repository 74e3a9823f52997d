//! What a call hears of seldom: signalling, commands, connections in the making, RTCP on a port of its own.
//!
//! A task that wakes does not know what for, and asks every source in turn: fifty times a second each for audio in and
//! out, while these have something to say a few times a minute. So they share a waker of their own, which notes that
//! one of them called before it wakes the task; without a note none is asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

use super::agents::LinkId;
use super::command::CallCommand;
use super::event::SignallingEvent;
use super::tools::consult::{Consultation, Switch};
use super::tools::run::{ToolReport, ToolRun};
use super::tools::shell::ToolTasks;
use crate::agent::client::{AgentSocket, ConnectError};
use crate::domain::termination::{GatewayReason, Termination};
use crate::net::udp::UdpChannel;

/// The sources.
pub(super) struct Seldom {
    /// The socket of RTCP, of which the call's driver reads; none where RTCP comes with the audio.
    pub(super) rtcp: Option<UdpChannel>,
    signals: Option<mpsc::Receiver<SignallingEvent>>,
    commands: Option<mpsc::Receiver<CallCommand>>,
    connecting: Vec<(LinkId, Connecting)>,
    /// Tools that run.
    pub(super) tools: ToolTasks,
    bell: Arc<Bell>,
    waker: Waker,
}

/// A connection in the making.
pub(super) type Connecting = Pin<Box<dyn Future<Output = Result<Box<AgentSocket>, ConnectError>>>>;

/// What one of them says.
pub(super) enum News {
    Connected(LinkId, Result<Box<AgentSocket>, ConnectError>),
    Signal(SignallingEvent),
    Command(CallCommand),
    Tool(ToolReport),
    Rtcp,
}

impl Seldom {
    pub(super) fn new(
        rtcp: Option<UdpChannel>,
        signals: mpsc::Receiver<SignallingEvent>,
        commands: mpsc::Receiver<CallCommand>,
        tools: ToolTasks,
    ) -> Self {
        let bell = Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() });
        let waker = Waker::from(Arc::clone(&bell));
        Self { rtcp, signals: Some(signals), commands: Some(commands), connecting: Vec::new(), tools, bell, waker }
    }

    /// Waits for this connection, too. A call has two of them at the most: one that it needs and one that stands by.
    pub(super) fn connect(&mut self, link: LinkId, connecting: Connecting) {
        self.connecting.push((link, connecting));
        self.bell.rung.store(true, Ordering::Release);
    }

    /// Runs a tool, whose report is news.
    pub(super) fn run_tool(&mut self, run: ToolRun) {
        self.tools.start(run);
        self.bell.rung.store(true, Ordering::Release);
    }

    /// Calls somebody first, of which the report is news.
    pub(super) fn consult(&mut self, consultation: Consultation, switch: Switch) {
        self.tools.consult(consultation, switch);
        self.bell.rung.store(true, Ordering::Release);
    }

    /// Waits for this connection no more.
    pub(super) fn give_up_connecting(&mut self, link: LinkId) {
        self.connecting.retain(|(waited_for, _)| *waited_for != link);
    }

    /// The next news. To be asked until it is pending, by one task.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<News> {
        self.bell.task.register(context.waker());
        if !self.bell.rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        let waker = self.waker.clone();
        let news = self.ask_all(&mut Context::from_waker(&waker));
        if news.is_ready() {
            // Others may have called too, and are asked the next time.
            self.bell.rung.store(true, Ordering::Release);
        }
        news
    }

    fn ask_all(&mut self, context: &mut Context<'_>) -> Poll<News> {
        let connected = self.connecting.iter_mut().find_map(|(link, connecting)| match connecting.as_mut().poll(context) {
            Poll::Ready(connected) => Some((*link, connected)),
            Poll::Pending => None,
        });
        if let Some((link, connected)) = connected {
            self.give_up_connecting(link);
            return Poll::Ready(News::Connected(link, connected));
        }
        if let Some(signals) = &mut self.signals
            && let Poll::Ready(event) = signals.poll_recv(context)
        {
            return Poll::Ready(News::Signal(event.unwrap_or_else(|| {
                // Signalling that has forgotten the call has ended it, and says so once.
                self.signals = None;
                SignallingEvent::Refused(Termination::gateway(GatewayReason::Internal))
            })));
        }
        if let Some(commands) = &mut self.commands
            && let Poll::Ready(command) = commands.poll_recv(context)
        {
            match command {
                Some(command) => return Poll::Ready(News::Command(command)),
                None => self.commands = None,
            }
        }
        if let Poll::Ready(report) = self.tools.poll(context) {
            return Poll::Ready(News::Tool(report));
        }
        match &self.rtcp {
            Some(rtcp) => rtcp.poll_readable(context).map(|()| News::Rtcp),
            None => Poll::Pending,
        }
    }
}

/// Notes a call of any source, and passes it on to the task.
struct Bell {
    rung: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake();
    }
}
