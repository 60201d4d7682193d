//! Values that occur nowhere else, and all the ways in which they may be printed.

use std::fmt::Write;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use uuid::Uuid;

/// 16 random letters and digits, so that all its forms can be told from anything else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needle([u8; 16]);

impl Needle {
    pub(super) fn random() -> Self {
        Self(std::array::from_fn(|_| u8::try_from(fastrand::alphanumeric()).unwrap_or(b'x')))
    }

    pub(super) fn text(self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }

    pub(super) fn uuid(self) -> Uuid {
        Uuid::from_bytes(self.0)
    }

    pub(super) fn hex(self) -> String {
        self.listed(|text, byte| write!(text, "{byte:02x}"), "")
    }

    fn listed(self, one: fn(&mut String, u8) -> std::fmt::Result, between: &str) -> String {
        let mut texts = Vec::new();
        for byte in self.0 {
            let mut text = String::new();
            one(&mut text, byte).unwrap();
            texts.push(text);
        }
        texts.join(between)
    }

    /// Each way in halves, so that what is cut off is found too.
    fn patterns(self) -> Vec<String> {
        let hex = |text: &mut String, byte| write!(text, "{byte:02x}");
        let prefixed = |text: &mut String, byte| write!(text, "0x{byte:02x}");
        let decimal = |text: &mut String, byte| write!(text, "{byte}");
        let mut whole = vec![self.text(), self.uuid().to_string()];
        whole.extend(["", " ", ":", "-", ", "].map(|between| self.listed(hex, between)));
        whole.extend([", ", ","].map(|between| self.listed(prefixed, between)));
        whole.extend([", ", ",", " "].map(|between| self.listed(decimal, between)));
        whole.extend(self.in_base64());
        let halves = |text: String| {
            let (first, second) = text.split_at(text.len() / 2);
            [first.to_owned(), second.to_owned()]
        };
        whole.into_iter().flat_map(halves).collect()
    }

    /// Wherever it stands in what is encoded: what of it depends on nothing beside it.
    fn in_base64(self) -> Vec<String> {
        let mut texts = Vec::new();
        for alphabet in [STANDARD, URL_SAFE] {
            let engine = GeneralPurpose::new(&alphabet, GeneralPurposeConfig::new());
            for before in 0..3 {
                let encoded = engine.encode([&[0; 3][..before], &self.0].concat());
                let (first, end) = ((before * 8).div_ceil(6), (before + 16) * 8 / 6);
                texts.push(encoded[first..end].to_owned());
            }
        }
        texts
    }
}

/// Finds needles, whole or half, in any form.
pub(super) struct Magnet(AhoCorasick);

impl Magnet {
    pub(super) fn new(needles: &[Needle]) -> Self {
        let patterns = needles.iter().flat_map(|needle| needle.patterns());
        Self(AhoCorasick::builder().ascii_case_insensitive(true).build(patterns).unwrap())
    }

    /// The first hit and what is around it. A list may be over many lines.
    pub(super) fn hit(&self, text: &str) -> Option<String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let hit = self.0.find(&text)?;
        let around = hit.start().saturating_sub(60)..(hit.end() + 60).min(text.len());
        Some(String::from_utf8_lossy(&text.as_bytes()[around]).into_owned())
    }
}

#[test]
fn a_needle_is_found_in_every_form_and_by_its_halves() {
    let needle = Needle(*b"Xq7zR2mK9wPtB4vL");
    let magnet = Magnet::new(&[needle]);
    let (text, bytes) = (needle.text(), needle.bytes());
    let engine = &base64::engine::general_purpose::STANDARD;
    for said in [
        format!("key {text}!"),
        format!("{text:?}"),
        text[..9].to_owned(),
        text[8..].to_lowercase(),
        format!("{bytes:?}"),
        format!("{bytes:#?}"),
        format!("{bytes:x?}"),
        format!("{bytes:#04X?}"),
        format!("blob 0x{}", needle.hex()),
        needle.uuid().to_string(),
        needle.hex().to_uppercase()[..20].to_owned(),
        engine.encode(&text),
        engine.encode(format!("\0ada\0{text}")),
        engine.encode(format!("a{text}{text}")),
        engine.encode(format!("ab{text}cd")),
    ] {
        assert!(magnet.hit(&said).is_some(), "{said}");
    }
    assert_eq!(magnet.hit("nothing of it: Xq7zR2m"), None);
}
