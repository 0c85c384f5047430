use std::fmt;

/// A line of the table of targets. `cargo xtask bench targets` collects these lines from the output of the measurements.
#[derive(Debug, Clone)]
pub struct Line {
    number: &'static str,
    what: String,
    ours: String,
    yardstick: String,
    ratio: Option<f64>,
    target: String,
    met: Option<bool>,
}

/// The bound of a ratio or of a value.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "measurements name them")]
pub enum Target {
    /// The value may be this high.
    AtMost(f64),
    /// The value must be this high.
    AtLeast(f64),
    /// The value is shown for comparison.
    Shown,
}

impl Target {
    fn is_met_by(self, value: f64) -> Option<bool> {
        match self {
            Self::AtMost(bound) => Some(value <= bound),
            Self::AtLeast(bound) => Some(value >= bound),
            Self::Shown => None,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(bound) => format!("≤ {bound}{unit}"),
            Self::AtLeast(bound) => format!("≥ {bound}{unit}"),
            Self::Shown => "–".to_owned(),
        }
    }
}

impl Line {
    /// Describes a measurement that is compared with a yardstick.
    pub fn compared(
        number: &'static str,
        what: impl Into<String>,
        ours: impl Into<String>,
        yardstick: impl Into<String>,
        ratio: f64,
        target: Target,
    ) -> Self {
        Self {
            number,
            what: what.into(),
            ours: ours.into(),
            yardstick: yardstick.into(),
            ratio: Some(ratio),
            target: target.text(" ×"),
            met: target.is_met_by(ratio),
        }
    }

    /// Describes a measurement without a yardstick. The target has the unit of the value.
    pub fn absolute(
        number: &'static str,
        what: impl Into<String>,
        value: f64,
        unit: &str,
        target: Target,
    ) -> Self {
        let unit = format!(" {unit}");
        let digits = if value < 10.0 { 1 } else { 0 };
        Self {
            number,
            what: what.into(),
            ours: format!("{value:.digits$}{unit}"),
            yardstick: "–".to_owned(),
            ratio: None,
            target: target.text(&unit),
            met: target.is_met_by(value),
        }
    }
}

/// Writes a row of a Markdown table.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, what, ours, yardstick, ratio, target, met } = self;
        let ratio = ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
        let mark = if *met == Some(false) { " (missed)" } else { "" };
        write!(f, "| {number} | {what} | {ours} | {yardstick} | {ratio} | {target}{mark} |")
    }
}
