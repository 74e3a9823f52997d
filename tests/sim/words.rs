//! What the caller says in turns of two words, each a level of its own, so that whoever hears them can say which they were.

/// Packets of a word, and of the pause behind it.
const WORD: u64 = 20;
const PAUSE: u64 = 5;

/// Words of a turn, and packets from one turn to the next.
const WORDS: u64 = 2;
const TURN: u64 = 160;

/// Samples of a word.
pub(crate) const WORD_SAMPLES: u64 = WORD * 160;

/// Digital silence in μ-law.
pub(crate) const SILENCE: u8 = 0xFF;

/// The octet that fills a packet, counted from 0.
pub(crate) const fn octet_of_packet(packet: u64) -> u8 {
    let (turn, within) = (packet / TURN, packet % TURN);
    let (word, place) = (within / (WORD + PAUSE), within % (WORD + PAUSE));
    if word < WORDS && place < WORD { octet(turn * WORDS + word) } else { SILENCE }
}

/// The octet of a word, counted from 0; of the loud ones, which are heard as speech.
pub(crate) const fn octet(word: u64) -> u8 {
    (word % MANY) as u8
}

/// Words that were said to the end in so many packets.
pub(crate) fn said_in(packets: u64) -> u64 {
    (0..MANY).take_while(|word| (word / WORDS) * TURN + (word % WORDS) * (WORD + PAUSE) + WORD <= packets).count() as u64
}

/// As many as there are in a simulated call: octets of one sign, none of them silence.
pub(crate) const MANY: u64 = 100;

/// The word as it is written down.
pub(crate) fn written(word: u8) -> String {
    format!("w{word}")
}
