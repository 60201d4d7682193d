//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

use crate::invalid_config::InvalidConfig;

/// A duration as people write it in settings: `"250ms"`, `"10s"`, `"1m 30s"`. A number without a unit is
/// an error.
///
/// For the settings of a program or of a layer of its own, so that they read as those of the session do:
///
/// ```
/// use cqlstack_core::HumanDuration;
/// use std::time::Duration;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     grace: HumanDuration,
/// }
///
/// let settings: Settings = serde_json::from_str(r#"{"grace": "1m 30s"}"#).unwrap();
/// assert_eq!(Duration::from(settings.grace), Duration::from_secs(90));
/// assert_eq!(settings.grace.to_string(), "1m 30s");
/// assert!(serde_json::from_str::<Settings>(r#"{"grace": 90}"#).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HumanDuration(Duration);

/// What would be right.
const FORM: &str = "a number with a unit, as in \"250ms\", \"10s\", \"1m 30s\"";

impl HumanDuration {
    /// For `#[serde(deserialize_with = "HumanDuration::into_duration")]` on a field that is a [`Duration`].
    ///
    /// # Errors
    ///
    /// That of the format, for what is no duration.
    pub fn into_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Self::deserialize(from).map(Duration::from)
    }

    /// The same for a field that is an `Option<Duration>`, in a struct with `#[serde(default)]`; `null` is none.
    ///
    /// # Errors
    ///
    /// That of the format, for what is no duration.
    pub fn into_option<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<Self>::deserialize(from)?.map(Duration::from))
    }
}

impl From<Duration> for HumanDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<HumanDuration> for Duration {
    fn from(HumanDuration(duration): HumanDuration) -> Self {
        duration
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

impl FromStr for HumanDuration {
    type Err = InvalidConfig;

    fn from_str(text: &str) -> Result<Self, InvalidConfig> {
        let wrong = || InvalidConfig::new("duration", format!("has to be {FORM}"));
        // That crate takes a zero without a unit.
        if !text.contains(|c: char| c.is_alphabetic()) {
            return Err(wrong());
        }
        humantime::parse_duration(text).map(Self).map_err(|_| wrong())
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = HumanDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<HumanDuration, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Text)
    }
}
