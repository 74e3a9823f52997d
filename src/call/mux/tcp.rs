//! Connections of browsers whose network lets no UDP out: ICE-TCP (RFC 6544), passive side, framed as RFC 4571 has it.
//!
//! A connection has to name a call that is here with its first frame, within [`FIRST_FRAME`]; a thread has [`MOST`] at one
//! time, and [`MOST_OF_ONE`] from one address. One that says nothing for [`IDLE`] is closed: a browser checks its path far
//! more often.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use media::transport::{Flow, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::Mux;

/// Accepts for as long as the thread lives.
pub(super) async fn accept(mux: Rc<Mux>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) if mux.has_room_for(remote.ip()) => {
                let Ok(local) = stream.local_addr() else { continue };
                let flow = Flow { protocol: Protocol::Tcp, local, remote };
                let (frames, outbox) = mpsc::channel(OUTBOX);
                mux.connections.borrow_mut().insert(flow, frames);
                spawn_local(serve(Rc::clone(&mux), stream, flow, outbox));
            }
            // Whoever finds no room is closed at once.
            Ok(_) => {}
            // No descriptor left: those that are here go on.
            Err(_) => sleep(RETRY).await,
        }
    }
}

async fn serve(mux: Rc<Mux>, stream: TcpStream, flow: Flow, outbox: mpsc::Receiver<Vec<u8>>) {
    let _ = stream.set_nodelay(true);
    let (mut reader, writer) = stream.into_split();
    let writing = spawn_local(write(writer, outbox));
    let mut octets = Vec::with_capacity(MAX_FRAME);
    let mut limit = FIRST_FRAME;
    while let Ok(Ok(())) = timeout(limit, read_frame(&mut reader, &mut octets)).await {
        let taken = mux.deliver(flow, &octets);
        // The first frame names a call, or there is nothing to talk about.
        if limit == FIRST_FRAME && !taken {
            break;
        }
        limit = IDLE;
    }
    // Takes the way out with it, so that the other half ends, too.
    mux.close(flow);
    let _ = timeout(FAREWELL, writing).await;
}

/// A length of two octets, then as many (RFC 4571 §2).
async fn read_frame(reader: &mut OwnedReadHalf, octets: &mut Vec<u8>) -> std::io::Result<()> {
    let length = usize::from(reader.read_u16().await?);
    if length > MAX_FRAME {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    octets.clear();
    octets.resize(length, 0);
    reader.read_exact(octets).await.map(|_| ())
}

async fn write(mut writer: OwnedWriteHalf, mut outbox: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = outbox.recv().await {
        if !matches!(timeout(STUCK, writer.write_all(&frame)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// As it goes over a connection.
pub(super) fn frame(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap_or(u16::MAX);
    [length.to_be_bytes().as_slice(), octets].concat()
}

impl Mux {
    fn has_room_for(&self, address: IpAddr) -> bool {
        let connections = self.connections.borrow();
        connections.len() < MOST && connections.keys().filter(|flow| flow.remote.ip() == address).count() < MOST_OF_ONE
    }
}

/// Frames that may wait for a connection: more than a second of audio.
pub(super) const OUTBOX: usize = 64;
/// Connections of one thread at one time.
const MOST: usize = 512;
/// Those of one address: a house full of callers behind one translator.
const MOST_OF_ONE: usize = 128;
/// The longest frame: as for datagrams.
const MAX_FRAME: usize = 2_048;
/// Within this time a connection has to say whose it is.
const FIRST_FRAME: Duration = Duration::from_secs(5);
/// A connection that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(40);
/// A connection that takes nothing for so long is stuck.
const STUCK: Duration = Duration::from_secs(5);
/// For the goodbye of a call to leave.
const FAREWELL: Duration = Duration::from_millis(500);
/// Before the next try to accept where there was no descriptor.
const RETRY: Duration = Duration::from_millis(100);
