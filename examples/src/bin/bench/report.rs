//! What was found, as JSON lines.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::Failure;

/// Takes the figures of all scenarios.
pub(crate) struct Report {
    lines: Option<BufWriter<File>>,
}

/// One figure of one side, beside that of the baseline.
#[derive(Debug, Serialize)]
pub(crate) struct Figure<'f> {
    pub(crate) scenario: &'f str,
    pub(crate) metric: &'f str,
    pub(crate) unit: &'f str,
    pub(crate) side: &'f str,
    /// How many are in flight, or what else was varied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load: Option<&'f str>,
    pub(crate) ours: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline: Option<f64>,
    /// The median of the ratios of all rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    /// The lowest and the highest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spread: Option<[f64; 2]>,
}

impl<'f> Figure<'f> {
    /// One that is beside nothing.
    pub(crate) const fn alone(
        scenario: &'f str,
        metric: &'f str,
        unit: &'f str,
        side: &'f str,
        ours: f64,
    ) -> Self {
        let (load, baseline, ratio, spread) = (None, None, None, None);
        Self { scenario, metric, unit, side, load, ours, baseline, ratio, spread }
    }

    /// One that stands beside another one, each counted once.
    pub(crate) fn beside(self, baseline: f64) -> Self {
        let ratio = Some(self.ours / baseline);
        Self { baseline: Some(baseline), ratio, ..self }
    }
}

impl Report {
    pub(crate) fn to(path: Option<&Path>) -> Result<Self, Failure> {
        let open = |path: &Path| {
            File::create(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Ok(Self { lines: path.map(open).transpose()?.map(BufWriter::new) })
    }

    /// Writes a line, at once: a run that is broken off leaves what it has.
    pub(crate) fn write(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        if let Some(lines) = &mut self.lines {
            serde_json::to_writer(&mut *lines, line)?;
            lines.write_all(b"\n")?;
            lines.flush()?;
        }
        Ok(())
    }
}
