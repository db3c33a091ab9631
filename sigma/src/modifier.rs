//! Modifiers: what follows the `|` of a field, and how it changes a value.

mod apply;
mod expand;

pub(crate) use apply::apply;

use crate::codes;
use crate::rule::{Comparison, TimePart};
use crate::source::Source;
use diagnostics::yaml::Node;
use diagnostics::{Diagnostic, Fix, closest};

/// A step of a modifier chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Modifier {
    All,
    Cased,
    Neq,
    Contains,
    Startswith,
    Endswith,
    Exists,
    Windash,
    Re,
    Flag(char),
    Base64,
    Base64Offset,
    Utf16Le,
    Utf16Be,
    Utf16,
    Compare(Comparison),
    Time(TimePart),
    Cidr,
    Expand,
    Fieldref,
}

/// Every modifier that rules may use, with what it does; in the order of the specification's appendix.
pub const MODIFIERS: &[(&str, &str)] = &[
    ("all", "all values of the list have to match, not any"),
    ("startswith", "the field starts with the value"),
    ("endswith", "the field ends with the value"),
    ("contains", "the field contains the value"),
    ("exists", "the field is there (`true`) or not (`false`), whatever its value"),
    ("cased", "case matters"),
    ("neq", "the field does not have the value"),
    ("windash", "a dash or slash that starts a word matches `-`, `/`, `–`, `—` and `―`"),
    ("re", "the value is a regular expression, found anywhere in the field"),
    ("i", "behind `re`: case does not matter"),
    ("ignorecase", "the same as `i`"),
    ("m", "behind `re`: `^` and `$` match at line ends too"),
    ("multiline", "the same as `m`"),
    ("s", "behind `re`: `.` matches line ends too"),
    ("dotall", "the same as `s`"),
    ("base64", "the value in Base64"),
    ("base64offset", "the value in Base64, at each of the three offsets where it may start"),
    ("utf16le", "the value in UTF-16, little endian"),
    ("wide", "the same as `utf16le`"),
    ("utf16be", "the value in UTF-16, big endian"),
    ("utf16", "the value in UTF-16, little endian, behind a byte order mark"),
    ("lt", "the field is a number less than the value"),
    ("lte", "the field is a number less than or equal to the value"),
    ("gt", "the field is a number greater than the value"),
    ("gte", "the field is a number greater than or equal to the value"),
    ("minute", "the minute of the field's time stamp"),
    ("hour", "the hour of the field's time stamp"),
    ("day", "the day of the month of the field's time stamp"),
    ("week", "the week of the field's time stamp, by ISO 8601"),
    ("month", "the month of the field's time stamp"),
    ("year", "the year of the field's time stamp"),
    ("cidr", "the field is an address in the network"),
    ("expand", "`%name%` is replaced by each value of a list that is given from outside"),
    ("fieldref", "the value is the name of another field to compare with"),
];

/// The modifier behind a name.
pub(crate) fn from_name(name: &str) -> Option<Modifier> {
    Some(match name {
        "all" => Modifier::All,
        "cased" => Modifier::Cased,
        "neq" => Modifier::Neq,
        "contains" => Modifier::Contains,
        "startswith" => Modifier::Startswith,
        "endswith" => Modifier::Endswith,
        "exists" => Modifier::Exists,
        "windash" => Modifier::Windash,
        "re" => Modifier::Re,
        "i" | "ignorecase" => Modifier::Flag('i'),
        "m" | "multiline" => Modifier::Flag('m'),
        "s" | "dotall" => Modifier::Flag('s'),
        "base64" => Modifier::Base64,
        "base64offset" => Modifier::Base64Offset,
        "utf16le" | "wide" => Modifier::Utf16Le,
        "utf16be" => Modifier::Utf16Be,
        "utf16" => Modifier::Utf16,
        "lt" => Modifier::Compare(Comparison::Less),
        "lte" => Modifier::Compare(Comparison::LessOrEqual),
        "gt" => Modifier::Compare(Comparison::Greater),
        "gte" => Modifier::Compare(Comparison::GreaterOrEqual),
        "minute" => Modifier::Time(TimePart::Minute),
        "hour" => Modifier::Time(TimePart::Hour),
        "day" => Modifier::Time(TimePart::Day),
        "week" => Modifier::Time(TimePart::Week),
        "month" => Modifier::Time(TimePart::Month),
        "year" => Modifier::Time(TimePart::Year),
        "cidr" => Modifier::Cidr,
        "expand" => Modifier::Expand,
        "fieldref" => Modifier::Fieldref,
        _ => return None,
    })
}

/// Reads the modifiers of a field: what is not known is reported.
pub(crate) fn chain(
    source: &Source<'_>,
    names: &[&str],
    key: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<Modifier>> {
    let mut chain = Vec::new();
    let mut known = true;
    // The names are at the end of the key, each behind a `|`.
    let behind: usize = names.iter().map(|name| name.chars().count() + 1).sum();
    let mut at = key.text().map_or(0, |label| label.chars().count()).saturating_sub(behind);
    for name in names {
        let start = at + 1;
        at = start + name.chars().count();
        if let Some(modifier) = from_name(name) {
            chain.push(modifier);
        } else {
            known = false;
            let near = closest(name, MODIFIERS.iter().map(|(name, _)| *name));
            diagnostics.push(Diagnostic {
                code: &codes::UNKNOWN_MODIFIER,
                message: format!("there is no modifier `{name}`"),
                help: match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "the modifiers are {}",
                        MODIFIERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
                    ),
                },
                place: source.place(key.span),
                fix: near.and_then(|near| Some(Box::new(Fix::replace(key.part(start..at)?, near)))),
            });
        }
    }
    known.then_some(chain)
}
