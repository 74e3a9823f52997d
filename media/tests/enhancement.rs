//! Recorded people on a line with the agent's echo, and with noise: what an agent hears of them through the whole ingress.
//!
//! The agent's words go out as G.711 and come back 20 to 300 ms later and 20 to 30 dB weaker out of a small room. Judged by the echo
//! return loss enhancement (ITU-T G.168), by PESQ (ITU-T P.862, the package `pesq` of PyPI) of the caller while both speak, and
//! by what becomes of noise.
#![expect(clippy::disallowed_methods, reason = "a test needs some instant to begin at")]
#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test may fail by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use media::codec::Codec;
use media::codec::g711::{decode_ulaw, encode_ulaw};
use media::egress::{FrameContent, ReferenceFrame};
use media::enhancement::{Enhancement, Suppression};
use media::frame::AudioFormat;
use media::ingress::{Ingress, IngressConfig, IngressOutput};
use media::rtp::{PayloadTypes, RtpHeader, RtpPacket};
use media::units::{PayloadType, RtpTimestamp, SampleRate, SequenceNumber, Ssrc};

const OFF: Enhancement = Enhancement { echo_cancellation: false, noise_suppression: Suppression::Off };
const ECHO: Enhancement = Enhancement { echo_cancellation: true, noise_suppression: Suppression::Off };

#[test]
fn the_echo_of_real_speech_is_taken_down_by_fifteen_decibels_and_more() {
    let Some(voices) = voices(24) else { return };
    let mut enhancements = Vec::new();
    for ((n, delay_ms), loss_db) in [20, 60, 120, 200, 300].into_iter().enumerate().zip([20.0, 30.0, 25.0, 22.0, 28.0]) {
        let sent = level(&voices[n % voices.len()], -20.0);
        let came = echo(&sent, delay_ms, loss_db, 1e-4);
        let heard = hear(ECHO, &sent, &came);
        let (from, to) = (8 * 8_000, 23 * 8_000);
        enhancements.push(power_db(&came[from..to]) - power_db(&heard[from..to]));
    }
    enhancements.sort_by(f64::total_cmp);
    eprintln!("RESULT erle_db={enhancements:.1?}");
    assert!(enhancements[2] >= 20.0 && enhancements[0] >= 15.0, "{enhancements:.1?}");
}

#[test]
fn a_caller_who_speaks_through_the_echo_loses_less_than_half_a_point_by_its_removal() {
    let Some((voices, python)) = voices(24).zip(python()) else { return };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for (n, (delay_ms, loss_db)) in [(40, 20.0), (120, 24.0), (250, 28.0)].into_iter().enumerate() {
        let sent = level(&voices[n], -20.0);
        let mut said = vec![0; 12 * 8_000];
        said.extend(level(&voices[n + 1], -26.0).iter().take(10 * 8_000));
        let came: Vec<i16> =
            echo(&sent, delay_ms, loss_db, 1e-4).iter().zip(&said).map(|(echo, said)| echo.saturating_add(*said)).collect();
        for (wanted, scores) in [(OFF, &mut without), (ECHO, &mut with)] {
            let heard = hear(wanted, &sent, &came);
            scores.push(pesq(&python, &said[12 * 8_000..], &heard[12 * 8_000..said.len().min(heard.len())]));
        }
    }
    eprintln!("RESULT double_talk_pesq without={without:.2?} with={with:.2?}");
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    assert!(mean(&with) >= mean(&without) - 0.5, "{with:.2?} against {without:.2?}");
    assert!(with.iter().all(|score| *score >= 2.2), "{with:.2?}");
}

#[test]
fn a_caller_alone_keeps_his_quality() {
    let Some((voices, python)) = voices(10).zip(python()) else { return };
    let scores: Vec<f64> = voices
        .iter()
        .map(|voice| {
            let said = level(voice, -26.0);
            pesq(&python, &said, &hear(ECHO, &vec![0; said.len()], &said))
        })
        .collect();
    eprintln!("RESULT alone_pesq={scores:.2?}");
    assert!(scores.iter().all(|score| *score >= 3.7), "{scores:.2?}");
}

#[test]
fn noise_under_speech_goes_down_and_the_speech_sounds_better() {
    let Some((voices, python)) = voices(14).zip(python()) else { return };
    let denoised = Enhancement { echo_cancellation: false, noise_suppression: Suppression::Moderate };
    let (mut without, mut with, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    for voice in voices.iter().take(3) {
        // Four seconds of the room alone, then ten of words in it.
        let mut said = vec![0; 4 * 8_000];
        said.extend(level(voice, -26.0).iter().take(10 * 8_000));
        let came: Vec<i16> =
            echo(&vec![0; said.len()], 0, 0.0, 0.0087).iter().zip(&said).map(|(room, said)| room.saturating_add(*said)).collect();
        let (plain, heard) = (hear(OFF, &[], &came), hear(denoised, &[], &came));
        let (room, words) = (2 * 8_000..4 * 8_000 - 400, 5 * 8_000..13 * 8_000);
        gains.push((power_db(&plain[room.clone()]) - power_db(&heard[room])) - (power_db(&plain[words.clone()]) - power_db(&heard[words])));
        without.push(pesq(&python, &said[4 * 8_000..], &plain[4 * 8_000..]));
        with.push(pesq(&python, &said[4 * 8_000..], &heard[4 * 8_000..]));
    }
    eprintln!("RESULT noise snr_gain_db={gains:.1?} pesq without={without:.2?} with={with:.2?}");
    assert!(gains.iter().all(|gain| *gain >= 6.0), "{gains:.1?}");
    assert!(with.iter().zip(&without).all(|(with, without)| with >= without), "{with:.2?} against {without:.2?}");
}

/// What an agent at 8 kHz hears of `came` beside `sent`, both in packets of 20 ms, G.711 on the wire.
fn hear(enhancement: Enhancement, sent: &[i16], came: &[i16]) -> Vec<i16> {
    let rate = SampleRate::HZ_8000;
    let config = IngressConfig::new(Codec::Pcmu, PayloadTypes::audio(PayloadType::PCMU), AudioFormat::S16 { rate });
    let mut ingress = Ingress::new(IngressConfig { enhancement, ..config }).unwrap();
    let (start, mut heard) = (Instant::now(), Vec::new());
    for (n, came) in came.chunks_exact(160).enumerate() {
        let now = start + Duration::from_millis(20) * n as u32;
        let samples: Vec<i16> = (0..160).map(|k| coded(sent.get(n * 160 + k).copied().unwrap_or(0))).collect();
        ingress.handle_sent(&ReferenceFrame { samples: &samples, rate, position: n as u64 * 160, slot: now, content: FrameContent::Agent });
        let payload: Vec<u8> = came.iter().map(|&sample| encode_ulaw(sample)).collect();
        let (sequence, timestamp) = (SequenceNumber(n as u16), RtpTimestamp(n as u32 * 160));
        let header = RtpHeader { payload_type: PayloadType::PCMU, sequence, timestamp, ssrc: Ssrc(1), marker: n == 0 };
        ingress.handle_packet(now, &RtpPacket { header, payload: &payload });
        while let IngressOutput::Audio(chunk) = ingress.poll_output() {
            heard.extend(chunk.bytes.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)));
        }
    }
    heard
}

/// What a telephone in a small room with noise gives back of `sent`.
fn echo(sent: &[i16], delay_ms: usize, loss_db: f64, noise: f64) -> Vec<i16> {
    let gain = 10_f64.powf(-loss_db / 20.0);
    let walls = [(0, 0.85), (37, 0.35), (91, -0.3), (170, 0.2), (260, -0.15)];
    let mut state = 7_u32;
    (0..sent.len())
        .map(|n| {
            let of = |(after, part): &(usize, f64)| {
                n.checked_sub(delay_ms * 8 + after).map_or(0.0, |n| (f64::from(coded(sent[n])) / 12_000.0).tanh() * 12_000.0 * part)
            };
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let room = (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) * noise * 32_768.0 * 3_f64.sqrt();
            (walls.iter().map(of).sum::<f64>() * gain + room).round() as i16
        })
        .collect()
}

fn coded(sample: i16) -> i16 {
    decode_ulaw(encode_ulaw(sample))
}

/// Four people who speak for so many seconds. Nothing, aloud, where they are not installed.
fn voices(seconds: usize) -> Option<Vec<Vec<i16>>> {
    let read = |name: &&str| {
        let mut files: Vec<PathBuf> =
            fs::read_dir(Path::new("/usr/share/asterisk/sounds").join(name)).ok()?.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| {
            path.extension().is_some_and(|ending| ending == "wav") && fs::metadata(path).is_ok_and(|file| file.len() > 24_000)
        });
        files.sort();
        let mut speech = Vec::new();
        for file in files.iter().skip(10) {
            let file = fs::read(file).ok()?;
            let at = file.windows(4).position(|name| name == b"data")?;
            speech.extend(file[at + 8..].as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)));
            if speech.len() >= seconds * 8_000 {
                speech.truncate(seconds * 8_000);
                return Some(speech);
            }
        }
        None
    };
    let found: Vec<Vec<i16>> = ["en_US_f_Allison", "it_IT_m_Carlo", "fr_CA_f_June", "ru_RU_f_IvrvoiceRU"].iter().filter_map(read).collect();
    if found.len() < 4 {
        eprintln!("skipped: asterisk-core-sounds-{{en,it,fr,ru}}-wav is not installed: make setup");
        return None;
    }
    Some(found)
}

/// The same, so loud while it speaks: its louder half is at `dbfs`.
fn level(samples: &[i16], dbfs: f64) -> Vec<i16> {
    let mut powers: Vec<f64> = samples.chunks(160).map(power_db).collect();
    powers.sort_by(f64::total_cmp);
    let gain = 10_f64.powf((dbfs - powers[powers.len() * 3 / 4]) / 20.0);
    samples.iter().map(|&sample| (f64::from(sample) * gain).clamp(-32_000.0, 32_000.0) as i16).collect()
}

fn power_db(samples: &[i16]) -> f64 {
    let mean = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64;
    10.0 * (mean / 32_768_f64.powi(2) + 1e-12).log10()
}

/// The Python with the packages of `tests/support/requirements.txt`.
fn python() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/venv/bin/python");
    let python = std::env::var_os("AURICLE_PYTHON").map_or(default, PathBuf::from);
    if !python.is_file() {
        eprintln!("skipped: the Python packages are not installed (make test does it)");
        return None;
    }
    Some(python)
}

/// PESQ in narrow band.
fn pesq(python: &Path, said: &[i16], heard: &[i16]) -> f64 {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = format!("{:?}", std::thread::current().id());
    let file = |kind: &str| folder.join(format!("enhancement-{name}.{kind}"));
    let write = |kind: &str, samples: &[i16]| {
        fs::write(file(kind), samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    };
    write("said", said);
    write("heard", heard);
    fs::write(file("list"), format!("8000\t{}\t{}\n", file("said").display(), file("heard").display())).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/quality/pesq_scores.py");
    let scored = Command::new(python).arg(script).arg(file("list")).output().unwrap();
    String::from_utf8_lossy(&scored.stdout).trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&scored.stderr)))
}
