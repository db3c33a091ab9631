//! What is known of a condition.

/// True, false, or not known yet. The order is Kleene's: "and" is the minimum, "or" the maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold, whatever is still to come.
    #[default]
    False,
    /// It depends on what is still to come.
    Unknown,
    /// It holds, whatever is still to come.
    True,
}

impl Truth {
    pub(crate) fn from_bool(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }

    pub(crate) fn opposite(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}
