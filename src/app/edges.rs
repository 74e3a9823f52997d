//! Calls of web pages: the port of each media thread, our certificate, and who takes their offers.

use std::sync::Arc;

use media::transport::webrtc::DtlsIdentity;

use super::AppError;
use crate::call::launch::{BrowserEdge, Launcher};
use crate::call::mux::MuxSockets;
use crate::call::thread::{MediaThreads, MediaThreadsConfig};
use crate::config::Config;
use crate::net::dscp::Dscp;
use crate::signalling::whip::Whip;
use crate::telemetry::metrics::Metrics;

/// Starts the media threads, each with its port where pages may call.
pub(super) fn start_threads(config: &Config, metrics: &Metrics) -> Result<(Arc<MediaThreads>, Option<BrowserEdge>), AppError> {
    let settings = MediaThreadsConfig { threads: config.calls.media_threads.into(), realtime: config.calls.realtime };
    if !config.webrtc.is_on() {
        return Ok((Arc::new(MediaThreads::start(&settings)?), None));
    }
    let dscp = Dscp::new(config.rtp.dscp).unwrap_or(Dscp::EXPEDITED_FORWARDING);
    let bind = |thread| {
        let bound = MuxSockets::bind(&config.webrtc, thread, dscp, metrics.clone());
        bound.map_err(|(address, source)| AppError::Bind { what: "WebRTC", address, source })
    };
    let sockets = (0..settings.count()).map(bind).collect::<Result<Vec<_>, _>>()?;
    let addresses = sockets.iter().map(|sockets| sockets.addresses().to_vec()).collect();
    let identity = DtlsIdentity::generate()?;
    let threads = Arc::new(MediaThreads::start_with(&settings, sockets)?);
    Ok((threads, Some(BrowserEdge { identity, config: config.webrtc.clone(), addresses })))
}

/// Takes the offers of pages, where they may call.
pub(super) fn start_whip(config: &Config, launcher: &Launcher) -> Option<Whip> {
    config.webrtc.is_on().then(|| {
        let (whip, hearing) = Whip::new(launcher.clone(), &config.webrtc);
        tokio::spawn(hearing);
        whip
    })
}
