//! Moments as people read them.

/// Writes a moment, which is in milliseconds since 1970, as RFC 3339 does; one that no calendar has is its number.
pub(crate) fn timestamp(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| milliseconds.to_string(), |time| time.to_string())
}
