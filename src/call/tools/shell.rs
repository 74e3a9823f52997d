//! The running tools of one call: a task each on a control thread, gone with the call.

use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::consult::{Consultation, Switch};
use super::run::{ToolFault, ToolReport, ToolRun, ToolRunner};

/// Tools that run for a call.
pub(in crate::call) struct ToolTasks {
    runner: Option<ToolRunner>,
    control: Handle,
    reports: Option<(mpsc::Sender<ToolReport>, mpsc::Receiver<ToolReport>)>,
    running: Vec<(String, JoinHandle<()>)>,
}

impl ToolTasks {
    pub(in crate::call) const fn new(runner: Option<ToolRunner>, control: Handle) -> Self {
        Self { runner, control, reports: None, running: Vec::new() }
    }

    /// Runs a tool.
    pub(in crate::call) fn start(&mut self, run: ToolRun) {
        let (reports, _) = self.reports.get_or_insert_with(|| mpsc::channel(REPORTS));
        let (reports, runner, id) = (reports.clone(), self.runner.clone(), run.id.clone());
        let task = async move {
            let answer = match runner {
                Some(runner) => runner.run(&run).await,
                None => Err(ToolFault { reason: "gateway_runs_none", said: None }),
            };
            // A call that is over wants to know nothing.
            let _ = reports.send(ToolReport { id: run.id, answer }).await;
        };
        self.running.retain(|(_, task)| !task.is_finished());
        self.running.push((id, self.control.spawn(task)));
    }

    /// Calls somebody, and sends the caller there.
    pub(in crate::call) fn consult(&mut self, consultation: Consultation, switch: Switch) {
        let (reports, _) = self.reports.get_or_insert_with(|| mpsc::channel(REPORTS));
        let (reports, id) = (reports.clone(), consultation.id.clone());
        let task = async move {
            let answer = consultation.hold(&switch).await;
            let _ = reports.send(ToolReport { id: consultation.id, answer }).await;
        };
        self.running.retain(|(_, task)| !task.is_finished());
        self.running.push((id, self.control.spawn(task)));
    }

    /// Waits for a tool no more. Whether it was run nobody knows.
    pub(in crate::call) fn stop(&mut self, id: &str) {
        if let Some(place) = self.running.iter().position(|(running, _)| running == id) {
            self.running.swap_remove(place).1.abort();
        }
    }

    /// The next report; to be asked until it is pending.
    pub(in crate::call) fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToolReport> {
        match &mut self.reports {
            Some((_, reports)) => match reports.poll_recv(context) {
                Poll::Ready(Some(report)) => Poll::Ready(report),
                _ => Poll::Pending,
            },
            None => Poll::Pending,
        }
    }
}

impl Drop for ToolTasks {
    fn drop(&mut self) {
        self.running.iter().for_each(|(_, task)| task.abort());
    }
}

/// No more run at one time.
const REPORTS: usize = 8;
