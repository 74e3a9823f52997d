//! G.711 passed through: what the agent gets is what the caller sent, byte for byte.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::gateway::Gateway;
use crate::uac::{self, Dialog, Heard};

#[test]
fn the_agent_of_number_1001_gets_the_callers_bytes_unchanged() {
    let gateway = Gateway::start("echo");
    // Again where the machine has stood still for so long that packets of the call came too late for it.
    for number in 1..=3 {
        let (heard, said) = call(&gateway, number);
        if heard.windows(said.len()).any(|window| window == said) {
            return;
        }
        println!("the {} bytes that the agent heard hold not the {} said", heard.len(), said.len());
    }
    panic!("three times the agent heard other bytes than were said\n{}", gateway.log());
}

/// The call of this number: what the agent heard, and what was said.
fn call(gateway: &Gateway, number: usize) -> (Vec<u8>, Vec<u8>) {
    let (signalling, media) = (socket(), socket());
    let mut dialog = Dialog::new(number, signalling.local_addr().expect("an address"), &gateway.uri("1001"));
    let send = |text: &str| signalling.send_to(text.as_bytes(), gateway.sip()).expect("SIP is sent");
    send(&dialog.invite(media.local_addr().expect("an address")));
    let rtp = answer(&signalling, &mut dialog).unwrap_or_else(|status| panic!("refused with {status}\n{}", gateway.log()));
    send(&dialog.ack());

    // Every code in every neighbourhood: a decoder and encoder on the way would change 0x7f into 0xff at the least.
    let mut seed = 1_u32;
    let said: Vec<u8> = std::iter::repeat_with(|| next(&mut seed)).take(PACKETS * PACKET).collect();
    let started = Instant::now();
    for (index, payload) in said.chunks(PACKET).enumerate() {
        media.send_to(&packet(index, payload), rtp).expect("RTP is sent");
        sleep((Duration::from_millis(20) * (index as u32 + 1)).saturating_sub(started.elapsed()));
    }
    sleep(Duration::from_millis(300));
    send(&dialog.bye());
    gateway.wait_for_calls("the call is over", |calls| {
        calls.len() == number && calls.iter().all(|call| call["session_status"] == "completed")
    });
    // Its file is finished a moment later.
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let files = gateway.heard_by_agent();
        let newest = files.iter().max_by_key(|file| fs::metadata(file).and_then(|file| file.modified()).ok());
        let heard = newest.map(|file| fs::read(file).expect("what the agent heard")).unwrap_or_default();
        if files.len() == number && heard.len() >= said.len() || Instant::now() > limit {
            assert_eq!(files.len(), number, "one file for each call: {files:?}");
            return (heard, said);
        }
        sleep(Duration::from_millis(100));
    }
}

/// Waits for the final response to the INVITE; the address that RTP goes to.
fn answer(signalling: &UdpSocket, dialog: &mut Dialog) -> Result<SocketAddr, u16> {
    let mut datagram = [0; 4096];
    loop {
        let length = signalling.recv(&mut datagram).expect("an answer within the time limit");
        match uac::read(&datagram[..length]) {
            Heard::Answered { rtp, to, contact, .. } => {
                dialog.answered(to, contact);
                return Ok(rtp);
            }
            Heard::Refused { status, .. } => return Err(status),
            _ => {}
        }
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    socket
}

fn packet(index: usize, payload: &[u8]) -> Vec<u8> {
    let (sequence, timestamp) = (index as u16, (index * PACKET) as u32);
    let mut packet = vec![0x80, if index == 0 { 0x80 } else { 0 }];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(*b"test");
    packet.extend(payload);
    packet
}

fn next(seed: &mut u32) -> u8 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*seed >> 24) as u8
}

const PACKETS: usize = 150;
/// Bytes of μ-law in 20 ms.
const PACKET: usize = 160;
