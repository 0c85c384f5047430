use std::fmt;

use crate::{answer::Problem, printable::printable};

/// Why something was not done. Displays as a line, and one more for each member that is wrong;
/// whatever the service sent, it does not act on a terminal.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service refused.
    Refused(Problem),
    /// It cannot be reached.
    Unreachable { url: String, error: Box<ureq::Error> },
    /// What it answered is not of this API; it may be another service.
    Foreign { url: String, status: u16 },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(Problem { code, title, detail, errors }) => {
                write!(f, "{}", printable(&format!("{code}: {title}. {detail}")))?;
                for error in errors {
                    write!(f, "\n  {}", printable(&format!("{}: {}", error.pointer, error.detail)))?;
                }
                Ok(())
            }
            Self::Unreachable { url, error } => {
                write!(f, "error: {} cannot be reached: {}", printable(url), printable(&error.to_string()))
            }
            Self::Foreign { url, status } => {
                write!(f, "error: {} answered {status}, but not as the management API does", printable(url))
            }
        }
    }
}
