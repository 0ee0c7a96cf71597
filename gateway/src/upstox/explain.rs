//! What went wrong with a read, in words: what, the broker's code, what to do.
//!
//! Invariants: no token, body or secret is repeated; a message of the broker is shown by
//! [`super::failure::Failure`], not here, since this error is copied about.

use std::fmt;

use super::error_code::{remedy_of, remedy_of_class};
use crate::evidence::{ErrorClass, Misfit, ReadError, Refusal};

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "the token or login is not accepted",
            Self::Rate => "too many calls",
            Self::Validation => "the request is wrong",
            Self::OrderFinished => "the order has ended",
            Self::NotFound => "there is no such thing",
            Self::ServiceClosed => "the service is closed at this hour",
            Self::Restricted => "this account, application or address may not do this",
            Self::Internal => "the broker has trouble of its own",
            Self::Unrecognised => "refused",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}); {}",
            self.class,
            self.code,
            remedy_of(self.code.as_str())
        )
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        match (self.record, self.field) {
            ("", _) => f.write_str("the answer")?,
            (record, "") => f.write_str(record)?,
            (record, field) => write!(f, "{record}.{field}")?,
        }
        let found = if self.missing {
            "is missing"
        } else {
            "is something else"
        };
        write!(f, " {found} where {} should stand", self.expected)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport => f.write_str("no complete reply came; check the connection, then ask again"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Status(class) => {
                write!(f, "{class} (told by the HTTP status alone); {}", remedy_of_class(*class))
            }
            Self::Malformed => f.write_str(
                "the reply is not the broker's JSON, is cut off, too deep or too long; ask again, and check that \
                 nothing stands between here and the broker",
            ),
            Self::Unfit(misfit) => write!(
                f,
                "{misfit}; the broker has changed this answer: look at it with `api GET` and report it"
            ),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use bijli_core::text::Text;

    use super::*;

    #[test]
    fn an_error_says_what_the_code_and_what_to_do() {
        let dead = ReadError::Refused(Refusal {
            code: Text::new("UDAPI100050").expect("short"),
            class: ErrorClass::Auth,
        });
        assert_eq!(
            dead.to_string(),
            "the token or login is not accepted (UDAPI100050); log in again: the token is dead"
        );
        let unfit = ReadError::Unfit(Misfit {
            row: Some(3),
            record: "Holding",
            field: "quantity",
            expected: "a quantity",
            missing: true,
        });
        assert!(
            unfit
                .to_string()
                .starts_with("row 3: Holding.quantity is missing where a quantity should stand; ")
        );
        let closed = ReadError::Status(ErrorClass::ServiceClosed).to_string();
        assert!(closed.contains("05:30"), "{closed}");
    }
}
