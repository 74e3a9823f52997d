//! Wiring: which part runs where, and in which order they start and stop.
//!
//! Start: limits, store and audit, media threads, sockets, then the first call can come. Stop: no new calls, the
//! running ones, then records and audit, so that what ended last is written, too.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sip::{Endpoint, EndpointConfig};
use tokio::sync::{mpsc, watch};

use crate::api;
use crate::audit::AuditLog;
use crate::call::driver::RecordSinks;
use crate::call::launch::{Launcher, Resources};
use crate::call::registry::CallRegistry;
use crate::call::thread::{MediaThreads, MediaThreadsConfig};
use crate::config::Config;
use crate::net::limits::{OpenFiles, raise_open_files};
use crate::net::port_range::{PortRange, PortRangeConfig};
use crate::net::udp::{UdpChannel, bind_sip};
use crate::shutdown::{StopSignals, drain};
use crate::signalling::gateway::{Gateway, GatewayConfig};
use crate::signalling::sip::SipShell;
