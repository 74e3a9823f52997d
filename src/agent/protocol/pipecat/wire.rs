//! Pipecat's frames in protocol buffers (`frames.proto`), as far as they are spoken here: read and written by hand, since it is five
//! messages of a few fields.

use super::super::json::Malformed;

/// One frame; every message of the socket is one.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::agent) enum Frame<'a> {
    /// 1: words without a speaker.
    Text,
    /// 2: speech, linear 16 bit.
    Audio { audio: &'a [u8], sample_rate: u64, channels: u64 },
    /// 3: words of whom the bot hears.
    Transcription { text: &'a str },
    /// 4: JSON, of RTVI as a rule.
    Message(&'a str),
    /// 5: what was not played yet is void.
    Interruption,
    /// Of a kind that came later.
    Unknown,
}

impl<'a> Frame<'a> {
    pub(in crate::agent) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut frame = None;
        let mut fields = Fields(bytes);
        while let Some((field, value)) = fields.next()? {
            // Of several kinds in one message the last counts, as everywhere in protocol buffers.
            frame = Some((field, value));
        }
        let Some((kind, Value::Bytes(body))) = frame else { return Err(Malformed::Frame) };
        Ok(match kind {
            1 => Self::Text,
            2 => Self::audio(body)?,
            3 => Self::Transcription { text: text_at(body, 3)? },
            4 => Self::Message(text_at(body, 1)?),
            5 => Self::Interruption,
            _ => Self::Unknown,
        })
    }

    fn audio(body: &'a [u8]) -> Result<Self, Malformed> {
        let (mut audio, mut sample_rate, mut channels) = (&[][..], 0, 0);
        let mut fields = Fields(body);
        while let Some(field) = fields.next()? {
            match field {
                (3, Value::Bytes(bytes)) => audio = bytes,
                (4, Value::Number(hz)) => sample_rate = hz,
                (5, Value::Number(count)) => channels = count,
                _ => {}
            }
        }
        Ok(Self::Audio { audio, sample_rate, channels })
    }
}

/// Appends the frame that carries `audio`, mono at `sample_rate`.
pub(in crate::agent) fn write_audio(audio: &[u8], sample_rate: u32, out: &mut Vec<u8>) {
    let fields = 1 + len_of_number(audio.len() as u64) + audio.len() + 1 + len_of_number(sample_rate.into()) + 2;
    out.reserve_exact(fields + 11);
    write_bytes_head(2, fields, out);
    write_bytes_head(3, audio.len(), out);
    out.extend_from_slice(audio);
    write_number(4, sample_rate.into(), out);
    write_number(5, 1, out);
}

/// Appends the frame that carries JSON.
pub(in crate::agent) fn write_message(json: &str, out: &mut Vec<u8>) {
    write_bytes_head(4, 1 + len_of_number(json.len() as u64) + json.len(), out);
    write_bytes_head(1, json.len(), out);
    out.extend_from_slice(json.as_bytes());
}

/// Appends the frame that says that the bot is to be silent.
pub(in crate::agent) fn write_interruption(out: &mut Vec<u8>) {
    write_bytes_head(5, 0, out);
}

fn text_at(body: &[u8], wanted: u64) -> Result<&str, Malformed> {
    let mut found = &[][..];
    let mut fields = Fields(body);
    while let Some((field, value)) = fields.next()? {
        if let (true, Value::Bytes(bytes)) = (field == wanted, value) {
            found = bytes;
        }
    }
    std::str::from_utf8(found).map_err(|_| Malformed::Frame)
}

/// The fields of a message, in turn.
struct Fields<'a>(&'a [u8]);

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of fixed length; none of ours.
    Fixed,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| Malformed::Frame)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(Malformed::Frame),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or(Malformed::Frame)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Frame)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Frame)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn write_bytes_head(field: u8, length: usize, out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    write_varint(length as u64, out);
}

fn write_number(field: u8, number: u64, out: &mut Vec<u8>) {
    out.push(field << 3);
    write_varint(number, out);
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7F {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

const fn len_of_number(number: u64) -> usize {
    let bits = 64 - number.leading_zeros() as usize;
    if bits == 0 { 1 } else { bits.div_ceil(7) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 2, 126, 128, 640, 20_000] {
            let audio: Vec<u8> = (0..length).map(|n| (n % 253) as u8).collect();
            let mut bytes = Vec::new();
            write_audio(&audio, 16_000, &mut bytes);
            assert_eq!(Frame::parse(&bytes), Ok(Frame::Audio { audio: &audio, sample_rate: 16_000, channels: 1 }), "{length}");
        }
        let mut bytes = Vec::new();
        write_message(r#"{"type":"x"}"#, &mut bytes);
        assert_eq!(Frame::parse(&bytes), Ok(Frame::Message(r#"{"type":"x"}"#)));
        bytes.clear();
        write_interruption(&mut bytes);
        assert_eq!(bytes, [0x2A, 0]);
        assert_eq!(Frame::parse(&bytes), Ok(Frame::Interruption));
    }

    #[test]
    fn the_bytes_are_those_of_the_vendors_own_library() {
        // AudioRawFrame(id=7, name="a", audio=b"\x01\x02", sample_rate=24000, num_channels=1, pts=3), by frames_pb2 of pipecat-ai 1.14.0.
        let theirs = [0x12, 0x11, 8, 7, 0x12, 1, b'a', 0x1A, 2, 1, 2, 0x20, 0xC0, 0xBB, 1, 0x28, 1, 0x30, 3];
        assert_eq!(Frame::parse(&theirs), Ok(Frame::Audio { audio: &[1, 2], sample_rate: 24_000, channels: 1 }));
    }

    #[test]
    fn frames_that_are_cut_or_none_at_all_are_refused() {
        let mut whole = Vec::new();
        write_audio(&[0; 640], 16_000, &mut whole);
        for length in 0..whole.len() {
            // A cut within the head or the audio cannot be read; none is ever taken for a whole frame.
            let cut = Frame::parse(&whole[..length]);
            assert!(cut.is_err(), "{length}: {cut:?}");
        }
        for bytes in [&[0xFF; 32][..], &[0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], &[0x0B], &[0x08, 1]] {
            assert!(Frame::parse(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(Frame::parse(&[0x32, 0]), Ok(Frame::Unknown));
    }
}
