//! One sentence that says why a rule matches a request, or why not.

use diagnostics::printable;
use inspect::{Condition, Evidence, Node, Truth};

/// Most reasons in a sentence: further ones are counted.
const MAX_REASONS: usize = 4;

/// Most values of a rule that are listed in a sentence.
const MAX_VALUES: usize = 3;

/// Most characters of a value.
const MAX_VALUE_CHARS: usize = 80;

/// A piece of a sentence: words, or a value from the rule or the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, printable.
    pub text: String,
    /// True for a value.
    pub is_value: bool,
}

/// The names of fields in a sentence.
const FIELDS: &[(&str, &str)] = &[
    ("c-uri", "the URL"),
    ("c-uri-extension", "the extension of the path"),
    ("c-uri-query", "the query"),
    ("c-uri-stem", "the path"),
    ("c-useragent", "the user agent"),
    ("cs-bytes", "the size of the request"),
    ("cs-cookie", "the cookie"),
    ("cs-host", "the host"),
    ("cs-method", "the method"),
    ("cs-referrer", "the referrer"),
    ("cs-uri", "the URL"),
    ("cs-uri-query", "the query"),
    ("cs-uri-stem", "the path"),
    ("cs-version", "the version of HTTP"),
    ("dst_ip", "the destination address"),
    ("keywords", "the request"),
    ("r-dns", "the host"),
    ("sc-bytes", "the size of the response"),
    ("sc-status", "the status"),
    ("src_ip", "the source address"),
    ("tidegate.active_hours", "the number of active hours"),
    ("tidegate.after_dead_drop", "the time since a dead drop"),
    ("tidegate.anomaly", "the spelling"),
    ("tidegate.beacon", "the score as a beacon"),
    ("tidegate.beacon_period", "the period of the beacon"),
    ("tidegate.category", "the kind of service"),
    ("tidegate.client", "the client"),
    ("tidegate.first_use", "what is new to the source"),
    ("tidegate.identities", "the number of identities"),
    ("tidegate.new_hosts", "the number of new hosts"),
    ("tidegate.operation", "the operation"),
    ("tidegate.prevalence", "the prevalence of the host"),
    ("tidegate.requests", "the number of requests"),
    ("tidegate.secret", "the kind of secret"),
    ("tidegate.service", "the service"),
    ("tidegate.service_prevalence", "the prevalence of the service"),
    ("tidegate.sources", "the number of sources"),
    ("tidegate.tunnel_seconds", "the length of the tunnel"),
    ("tidegate.upload_bytes", "the size of the upload"),
    ("tidegate.upload_ratio", "the balance of the upload"),
    ("tidegate.usage", "the use"),
    ("tls.client.server_name", "the server name"),
];

/// Says why a condition holds or does not: "the host is `a.example` and the path starts with `/x`".
pub(super) fn sentence(condition: &Condition) -> Vec<Piece> {
    let mut reasons = Reasons::default();
    match condition.truth {
        Truth::True => reasons.holds(condition),
        Truth::False => reasons.fails(condition),
        Truth::Unknown => reasons.waits(condition),
    }
    reasons.join()
}

/// Reasons, each once: a search may be in several places of a condition.
#[derive(Default)]
struct Reasons {
    found: Vec<Vec<Piece>>,
    /// Selections that would exclude the request and do not hold.
    absent: Vec<String>,
}

impl Reasons {
    fn add(&mut self, reason: Vec<Piece>) {
        if !self.found.contains(&reason) {
            self.found.push(reason);
        }
    }

    fn join(mut self) -> Vec<Piece> {
        let n_more = self.found.len().saturating_sub(MAX_REASONS);
        self.found.truncate(MAX_REASONS);
        if n_more > 0 {
            self.found.push(vec![words(&format!("{n_more} more"))]);
        }
        let last = self.found.len().saturating_sub(1);
        let mut pieces = Vec::new();
        for (at, reason) in self.found.into_iter().enumerate() {
            if at > 0 {
                pieces.push(words(if at == last { " and " } else { ", " }));
            }
            pieces.extend(reason);
        }
        if !self.absent.is_empty() && !pieces.is_empty() {
            pieces.push(words(", and "));
        }
        match self.absent.as_slice() {
            [] => {}
            [name] => pieces.extend([value(name), words(" does not hold")]),
            names => {
                pieces.push(words("none of "));
                pieces.extend(list(names));
                pieces.push(words(" holds"));
            }
        }
        pieces
    }

    /// The reasons of a part that holds: of alternatives the first that does.
    fn holds(&mut self, part: &Condition) {
        match &part.node {
            Node::All(parts) => parts.iter().for_each(|part| self.holds(part)),
            Node::Any(parts) => {
                if let Some(first) = parts.iter().find(|part| part.truth == Truth::True) {
                    self.holds(first);
                }
            }
            Node::Not(inner) => {
                let names = names(inner);
                if names.is_empty() {
                    self.fails(inner);
                }
                for name in names {
                    if !self.absent.contains(&name) {
                        self.absent.push(name);
                    }
                }
            }
            Node::Item { label, patterns, evidence, .. } => {
                self.add(item_holds(label, patterns, evidence.as_ref()));
            }
        }
    }

    /// The reasons of a part that does not hold: of parts that all have to hold the first that does not.
    fn fails(&mut self, part: &Condition) {
        match &part.node {
            Node::All(parts) => {
                if let Some(first) = parts.iter().find(|part| part.truth == Truth::False) {
                    self.fails(first);
                }
            }
            Node::Any(parts) => self.none_holds(parts),
            Node::Not(inner) => {
                let mut excluded = Reasons::default();
                excluded.holds(inner);
                let mut reason = match names(inner).first() {
                    Some(name) => vec![words("it is excluded by "), value(name), words(", as ")],
                    None => Vec::new(),
                };
                reason.extend(excluded.join());
                self.add(reason);
            }
            Node::Item { label, patterns, .. } => self.add(item_fails(label, patterns)),
        }
    }

    /// The reasons of alternatives of which none holds: of those that came nearest, if some are further away.
    fn none_holds(&mut self, parts: &[Condition]) {
        let fewest = parts.iter().map(n_failing).min().unwrap_or_default();
        let mut of_nearest = Reasons::default();
        for part in parts.iter().filter(|part| n_failing(part) == fewest) {
            of_nearest.fails(part);
        }
        if parts.iter().all(|part| n_failing(part) == fewest) {
            of_nearest.found.into_iter().for_each(|reason| self.add(reason));
            return;
        }
        let mut reason = of_nearest.join();
        reason.push(words(" (other ways are further away)"));
        self.add(reason);
    }

    /// What a part waits for.
    fn waits(&mut self, part: &Condition) {
        match &part.node {
            Node::All(parts) | Node::Any(parts) => {
                let unknown = parts.iter().filter(|part| part.truth == Truth::Unknown);
                unknown.for_each(|part| self.waits(part));
            }
            Node::Not(inner) => self.waits(inner),
            Node::Item { label, .. } => {
                let (field, _) = split(label);
                self.add(vec![subject(field), words(" is not known yet")]);
            }
        }
    }
}

/// How many searches fail in a part that does not hold.
fn n_failing(part: &Condition) -> usize {
    match &part.node {
        _ if part.truth != Truth::False => 0,
        Node::All(parts) | Node::Any(parts) => parts.iter().map(n_failing).sum(),
        Node::Not(_) | Node::Item { .. } => 1,
    }
}

/// The selections that a part consists of, by name.
fn names(part: &Condition) -> Vec<String> {
    match (&part.name, &part.node) {
        (Some(name), _) => vec![name.clone()],
        (None, Node::Any(parts) | Node::All(parts)) => parts.iter().flat_map(names).collect(),
        (None, Node::Not(_) | Node::Item { .. }) => Vec::new(),
    }
}

fn item_holds(label: &str, patterns: &[String], evidence: Option<&Evidence>) -> Vec<Piece> {
    let (field, modifiers) = split(label);
    let found = evidence.map(|of| of.pattern.clone());
    let pattern = found.or_else(|| patterns.first().cloned()).unwrap_or_default();
    match pattern.as_str() {
        "null" => return vec![subject(field), words(" is absent")],
        "" => return vec![subject(field), words(" is empty")],
        _ => {}
    }
    if modifiers.contains(&"exists") {
        if field == inspect::UNLISTED_FIELD && pattern == "true" {
            return vec![words("no entry of its group's allow-list lists it")];
        }
        return vec![subject(field), words(presence(&pattern, true))];
    }
    let (positive, _) = verbs(&modifiers);
    match evidence.filter(|_| modifiers.contains(&"expand")) {
        // The name of a list alone would not say what is there.
        Some(evidence) => {
            let found = String::from_utf8_lossy(&evidence.value);
            let which = words(&format!(", which {positive} one of "));
            vec![subject(field), words(" is "), value(&found), which, value(&pattern)]
        }
        None => vec![subject(field), words(&format!(" {positive} ")), value(&pattern)],
    }
}

/// Whether a field is there, as `exists` asks with `true` or `false`.
fn presence(asked: &str, holds: bool) -> &'static str {
    if (asked == "true") == holds { " is there" } else { " is absent" }
}

fn item_fails(label: &str, patterns: &[String]) -> Vec<Piece> {
    let (field, modifiers) = split(label);
    let (_, negative) = verbs(&modifiers);
    let mut pieces = vec![subject(field)];
    match patterns {
        [] => pieces.push(words(" does not fit")),
        [only] if modifiers.contains(&"exists") => pieces.push(words(presence(only, false))),
        [only] if only == "null" => pieces.push(words(" is there")),
        [only] if only.is_empty() => pieces.push(words(" is not empty")),
        [only] => pieces.extend([words(&format!(" {negative} ")), value(only)]),
        several if several.len() <= MAX_VALUES => {
            pieces.push(words(&format!(" {negative} any of ")));
            pieces.extend(list(several));
        }
        several => pieces.push(words(&format!(" {negative} any of {} values", several.len()))),
    }
    pieces
}

/// A field and its modifiers.
fn split(label: &str) -> (&str, Vec<&str>) {
    let mut parts = label.split('|');
    (parts.next().unwrap_or_default(), parts.collect())
}

fn subject(field: &str) -> Piece {
    let known = FIELDS.iter().find(|(name, _)| *name == field);
    known.map_or_else(|| value(field), |(_, name)| words(name))
}

/// How a value relates to a field where it does and where it does not.
fn verbs(modifiers: &[&str]) -> (&'static str, &'static str) {
    let verbs = [
        ("contains", "contains", "does not contain"),
        ("startswith", "starts with", "does not start with"),
        ("endswith", "ends with", "does not end with"),
        ("re", "matches", "does not match"),
        ("cidr", "is in", "is not in"),
        ("lt", "is below", "is not below"),
        ("lte", "is at most", "is more than"),
        ("gt", "is above", "is not above"),
        ("gte", "is at least", "is less than"),
        ("fieldref", "is the same as", "is not the same as"),
    ];
    let known = verbs.into_iter().find(|(name, ..)| modifiers.contains(name));
    known.map_or(("is", "is not"), |(_, positive, negative)| (positive, negative))
}

fn words(text: &str) -> Piece {
    Piece { text: text.to_owned(), is_value: false }
}

fn value(text: &str) -> Piece {
    let mut short: String = text.chars().take(MAX_VALUE_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Piece { text: printable(short.as_bytes()), is_value: true }
}

fn list(texts: &[String]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, text) in texts.iter().take(MAX_VALUES).enumerate() {
        if at > 0 {
            pieces.push(words(", "));
        }
        pieces.push(value(text));
    }
    if texts.len() > MAX_VALUES {
        pieces.push(words(&format!(" and {} more", texts.len() - MAX_VALUES)));
    }
    pieces
}
