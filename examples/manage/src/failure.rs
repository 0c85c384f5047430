use std::fmt;

use crate::{answer::Problem, printable::printable};

/// An error of a command. Displays as a line, followed by a line for each invalid member. Text from the
/// service is escaped for the terminal.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service refused the request.
    Refused(Problem),
    /// The service cannot be reached.
    Unreachable { url: String, error: Box<ureq::Error> },
    /// The response does not have the format of the management API.
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
                write!(f, "error: {} answered {status}, but is not a management API", printable(url))
            }
        }
    }
}
