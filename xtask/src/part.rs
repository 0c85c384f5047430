use crate::{leftovers::Leftovers, openapi, other_sqlx, publish, readme, step::Step};

/// A part of `cargo xtask test` that can be left out, or run alone. Each examines what the tests do not
/// depend on, with tools or crates of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    OpenApi,
    OtherSqlx,
    Publish,
    Readme,
}

impl Part {
    pub(crate) const ALL: [Self; 4] = [Self::OpenApi, Self::OtherSqlx, Self::Publish, Self::Readme];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenApi => "openapi",
            Self::OtherSqlx => "other-sqlx",
            Self::Publish => "publish",
            Self::Readme => "readme",
        }
    }

    /// Returns the part with this name, or `None` if there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Reads a list of names separated by commas.
    ///
    /// # Errors
    ///
    /// Returns an error that lists the known names if one is unknown.
    pub(crate) fn list(names: &str) -> Result<Vec<Self>, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let part =
            |name| Self::named(name).ok_or_else(|| format!("unknown part {name:?}; known: {}", known()));
        names.split(',').map(part).collect()
    }

    /// Whether the part runs a quickstart, which has to be built first.
    pub(crate) const fn needs_examples(self) -> bool {
        matches!(self, Self::OpenApi)
    }

    /// Runs the checks.
    pub(crate) fn run(self, left: &Leftovers) -> Vec<Step> {
        match self {
            Self::OpenApi => openapi::steps(left),
            Self::OtherSqlx => other_sqlx::steps(),
            Self::Publish => publish::steps(),
            Self::Readme => readme::steps(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_of_known_names_is_read_and_an_unknown_name_is_an_error() {
        assert_eq!(Part::list("readme,openapi"), Ok(vec![Part::Readme, Part::OpenApi]));
        for wrong in ["", "readme,", "scan", "readme openapi"] {
            let message = Part::list(wrong).unwrap_err();
            assert!(message.ends_with("known: openapi, other-sqlx, publish, readme"), "{message}");
        }
    }
}
