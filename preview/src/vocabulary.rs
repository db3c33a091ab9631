//! The fields and modifiers that an author can use, for completion.

use inspect::pack::Phase;
use inspect::{Anomaly, PROXY_FIELDS};
use serde::Serialize;

/// The words that the editor completes.
#[derive(Clone, Debug, Serialize)]
pub struct Vocabulary {
    /// Fields that a request answers.
    pub fields: Vec<Word>,
    /// Modifiers, without their bar.
    pub modifiers: Vec<Word>,
    /// Values of `tidegate.anomaly`.
    pub anomalies: Vec<Word>,
}

/// A word and its meaning.
#[derive(Clone, Debug, Serialize)]
pub struct Word {
    /// As written in a rule.
    pub name: &'static str,
    /// One line about it.
    pub meaning: &'static str,
}

/// Everything that the engine knows by name.
pub fn vocabulary() -> Vocabulary {
    let fields = PROXY_FIELDS.iter().map(|(name, field)| Word {
        name,
        meaning: match field.phase() {
            Phase::Request => "known with the request",
            Phase::Response => "known with the response; cannot deny",
        },
    });
    let modifiers = sigma::MODIFIERS.iter().map(|(name, meaning)| Word { name, meaning });
    let anomalies = Anomaly::ALL.iter().map(|of| Word { name: of.as_str(), meaning: of.meaning() });
    Vocabulary {
        fields: fields.collect(),
        modifiers: modifiers.collect(),
        anomalies: anomalies.collect(),
    }
}
