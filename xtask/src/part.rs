use crate::{browser, databases, leftovers::Leftovers, openapi, other_sqlx, publish, readme, step::Step};

/// A part of `cargo xtask test` that can be left out or run alone. The parts need servers, tools or crates
/// that the other tests do not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Browser,
    Databases,
    OpenApi,
    OtherSqlx,
    Publish,
    Readme,
}

impl Part {
    pub(crate) const ALL: [Self; 6] =
        [Self::Browser, Self::Databases, Self::OpenApi, Self::OtherSqlx, Self::Publish, Self::Readme];

    /// The name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Databases => "databases",
            Self::OpenApi => "openapi",
            Self::OtherSqlx => "other-sqlx",
            Self::Publish => "publish",
            Self::Readme => "readme",
        }
    }

    /// Returns the part with this name, or `None` if no part has the name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Reads a list of names separated by commas.
    ///
    /// # Errors
    ///
    /// Returns an error if a name is unknown. The error lists the known names.
    pub(crate) fn list(names: &str) -> Result<Vec<Self>, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let part = |name| {
            Self::named(name).ok_or_else(|| format!("unknown part {name:?}; the parts are {}", known()))
        };
        names.split(',').map(part).collect()
    }

    /// Returns whether the part runs an example, which must be built first.
    pub(crate) const fn needs_examples(self) -> bool {
        matches!(self, Self::Browser | Self::Databases | Self::OpenApi)
    }

    /// Runs the checks of the part.
    pub(crate) fn run(self, left: &Leftovers) -> Vec<Step> {
        match self {
            Self::Browser => browser::steps(left),
            Self::Databases => databases::steps(left),
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
    fn list_with_an_unknown_name_is_rejected_with_the_known_names() {
        assert_eq!(Part::list("readme,openapi"), Ok(vec![Part::Readme, Part::OpenApi]));
        for wrong in ["", "readme,", "scan", "readme openapi"] {
            let message = Part::list(wrong).unwrap_err();
            assert!(
                message.ends_with("the parts are browser, databases, openapi, other-sqlx, publish, readme"),
                "{message}"
            );
        }
    }
}
