//! Where frames of CQL begin and end in a stream of bytes (protocol versions 3 and 4).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// The bytes before each body: version, flags, stream (2), opcode, length of the body (4).
pub const HEADER: usize = 9;

/// What requests are, by their opcode.
pub mod opcode {
    /// Opens a connection.
    pub const STARTUP: u8 = 1;
    /// What a driver also asks to keep a connection alive.
    pub const OPTIONS: u8 = 5;
    /// A statement with its text.
    pub const QUERY: u8 = 7;
    /// A text to be prepared.
    pub const PREPARE: u8 = 9;
    /// A prepared statement with its values.
    pub const EXECUTE: u8 = 10;
    /// Sent by the control connection, and no other.
    pub const REGISTER: u8 = 11;
    /// Several statements.
    pub const BATCH: u8 = 13;
}

/// A frame that is about to pass.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'f> {
    bytes: &'f [u8],
    request: Option<u8>,
    control: bool,
}

impl<'f> Frame<'f> {
    pub(super) fn new(bytes: &'f [u8], asked: &Asked) -> Self {
        let mut frame = Self { bytes, request: None, control: asked.control() };
        frame.request = if frame.is_answer() { asked.what(frame.stream()) } else { frame.opcode() };
        frame
    }

    /// What was asked: the opcode of a request, or that of the request which an answer is to. Events
    /// answer none.
    #[must_use]
    pub fn request(&self) -> Option<u8> {
        self.request
    }

    /// Whether it is of a control connection, which has sent REGISTER.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.control
    }

    /// By which a request and its answer find each other; negative for events.
    #[must_use]
    pub fn stream(&self) -> i16 {
        match self.bytes {
            [_, _, high, low, ..] => i16::from_be_bytes([*high, *low]),
            _ => -1,
        }
    }

    /// What follows the header.
    #[must_use]
    pub fn body(&self) -> &'f [u8] {
        self.bytes.get(HEADER..).unwrap_or_default()
    }

    /// Whether these bytes are in its body.
    #[must_use]
    pub fn has(&self, bytes: &[u8]) -> bool {
        self.body().windows(bytes.len()).any(|window| window == bytes)
    }

    fn is_answer(&self) -> bool {
        self.bytes.first().is_some_and(|version| version & 0x80 != 0)
    }

    fn opcode(&self) -> Option<u8> {
        self.bytes.get(4).copied()
    }
}

/// Whether a frame of CQL can begin with this byte. TLS does not.
pub(super) fn is_version(byte: u8) -> bool {
    matches!(byte & 0x7f, 3 | 4)
}

/// What a connection has asked, for whoever sees its answers.
#[derive(Debug, Default)]
pub(super) struct Asked {
    requests: Mutex<HashMap<i16, u8>>,
    control: AtomicBool,
}

impl Asked {
    fn note(&self, frame: Frame<'_>) {
        let Some(request) = frame.opcode().filter(|_| !frame.is_answer()) else { return };
        if request == opcode::REGISTER {
            self.control.store(true, Ordering::Relaxed);
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.insert(frame.stream(), request);
    }

    fn what(&self, stream: i16) -> Option<u8> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).get(&stream).copied()
    }

    fn control(&self) -> bool {
        self.control.load(Ordering::Relaxed)
    }
}

/// How far into a frame a stream is.
#[derive(Debug, Default)]
pub(super) struct Place {
    header: Vec<u8>,
    body_left: usize,
}

impl Place {
    pub(super) fn is_inside(&self) -> bool {
        !self.header.is_empty()
    }

    /// How many bytes are known to be left of the frame. With some of the header missing, those: only they
    /// tell of the body.
    pub(super) fn left(&self) -> usize {
        if self.header.len() < HEADER { HEADER - self.header.len() } else { self.body_left }
    }

    /// These bytes go by.
    pub(super) fn advance(&mut self, mut bytes: &[u8], asked: &Asked) {
        while !bytes.is_empty() {
            let (now, rest) = bytes.split_at(self.left().min(bytes.len()));
            bytes = rest;
            if self.header.len() < HEADER {
                self.header.extend(now);
                if self.header.len() == HEADER {
                    asked.note(Frame::new(&self.header, asked));
                    self.body_left = length(&self.header);
                }
            } else {
                self.body_left -= now.len();
            }
            if self.header.len() == HEADER && self.body_left == 0 {
                self.header.clear();
            }
        }
    }
}

/// The length of a whole frame, once its header is there.
pub(super) fn whole(bytes: &[u8]) -> Option<usize> {
    bytes.get(..HEADER).map(|header| length(header).saturating_add(HEADER))
}

fn length(header: &[u8]) -> usize {
    let length = header.last_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(stream: u8, opcode: u8, body: &[u8]) -> Vec<u8> {
        let length = u8::try_from(body.len()).unwrap();
        [&[4, 0, 0, stream, opcode, 0, 0, 0, length], body].concat()
    }

    #[test]
    fn a_place_is_found_whatever_the_pieces_are() {
        let stream = [request(1, opcode::QUERY, b"abc"), request(2, opcode::OPTIONS, b"")].concat();
        for piece in 1..stream.len() {
            let (mut place, asked) = (Place::default(), Asked::default());
            let mut ends = Vec::new();
            for (end, byte) in (1..).zip(stream.chunks(piece)) {
                place.advance(byte, &asked);
                ends.extend((!place.is_inside()).then_some(end));
            }
            assert_eq!(ends.last(), Some(&stream.len().div_ceil(piece)));
            assert_eq!(asked.what(1), Some(opcode::QUERY));
            assert_eq!(asked.what(2), Some(opcode::OPTIONS));
        }
    }

    #[test]
    fn an_answer_knows_what_was_asked_and_on_which_connection() {
        let (mut place, asked) = (Place::default(), Asked::default());
        place.advance(&request(7, opcode::REGISTER, b""), &asked);
        let answer = [0x84, 0, 0, 7, 2, 0, 0, 0, 1, 9];
        let frame = Frame::new(&answer, &asked);
        assert_eq!((frame.request(), frame.stream()), (Some(opcode::REGISTER), 7));
        assert_eq!((frame.is_control(), frame.body()), (true, &[9][..]));
        assert_eq!(whole(&answer), Some(10));
        let event = [0x84, 0, 0xff, 0xff, 12, 0, 0, 0, 0];
        assert_eq!(Frame::new(&event, &asked).request(), None);
    }
}
