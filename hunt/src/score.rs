//! How well rules and a policy do on labelled requests: recall and false positives.
//!
//! A line is a JSON object: `method`, `host`, `path`, `user_agent`, `client`, and of the labels
//! `service`, `technique` and `ambiguous` (sanctioned automation that looks like abuse). Other keys
//! are skipped.

use std::collections::{BTreeMap, BTreeSet};

use inspect::{
    Action, Inspector, Mode, PolicyQuery, Request, ServiceMatch, Source, User, plain_host,
};
use serde::Deserialize;

/// A labelled request.
#[derive(Clone, Debug, Deserialize)]
pub struct Labelled {
    method: String,
    host: String,
    path: String,
    #[serde(default)]
    user_agent: Option<String>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    technique: Option<String>,
    #[serde(default)]
    ambiguous: bool,
}

/// Reads a file of labelled requests; empty lines are skipped.
///
/// # Errors
/// The first line that is not a labelled request, from 1, and why.
pub fn read(text: &str) -> Result<Vec<Labelled>, (usize, String)> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| {
                let message = error.to_string();
                let what = message.split(" at line ").next().unwrap_or_default();
                (number, what.to_owned())
            })
        })
        .collect()
}

/// How many requests of a kind there are, and how many a rule was reported or denied for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All requests.
    pub n_requests: usize,
    /// Of them reported.
    pub n_found: usize,
    /// Requests that are not ambiguous.
    pub n_clear: usize,
    /// Of them reported.
    pub n_clear_found: usize,
}

impl Tally {
    fn add(&mut self, is_ambiguous: bool, is_found: bool) {
        self.n_requests += 1;
        self.n_found += usize::from(is_found);
        self.n_clear += usize::from(!is_ambiguous);
        self.n_clear_found += usize::from(!is_ambiguous && is_found);
    }

    /// Returns the found share of all, in percent.
    pub fn share(&self) -> f64 {
        percent(self.n_found, self.n_requests)
    }

    /// Returns the found share of those that are not ambiguous, in percent.
    pub fn clear_share(&self) -> f64 {
        percent(self.n_clear_found, self.n_clear)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { 100.0 * part as f64 / whole as f64 }
}

/// The tallies of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Of everything.
    pub total: Tally,
    /// By the service that the label names; empty where it names none.
    pub by_service: BTreeMap<String, Tally>,
    /// By the technique that the label names.
    pub by_technique: BTreeMap<String, Tally>,
}

/// Judges labelled requests by a pack with its policy, in mode monitor. `now` is the time by which
/// exceptions expire, in seconds since 1970.
pub fn score(
    inspector: &mut Inspector,
    requests: &[Labelled],
    now: u64,
    key: Option<inspect::IdentityKey>,
) -> Score {
    let mut score = Score::default();
    for labelled in requests {
        let request = labelled.request();
        let source = labelled.source();
        let verdict = inspector.inspect_of(&request, &User { source, key });
        let query = PolicyQuery { request: &request, source, now, bound: Mode::Monitor, key };
        let is_found = inspector.pack().decide(&verdict, &query).action != Action::Allow;
        score.total.add(labelled.ambiguous, is_found);
        let service = labelled.service.clone().unwrap_or_default();
        score.by_service.entry(service).or_default().add(labelled.ambiguous, is_found);
        if let Some(technique) = &labelled.technique {
            let tally = score.by_technique.entry(technique.clone()).or_default();
            tally.add(labelled.ambiguous, is_found);
        }
    }
    score
}

/// Writes a policy that sanctions what the clients of ambiguous requests did: which service they used,
/// and as whom, where its URLs contain that. A person reads it before it is used.
pub fn sanctions(inspector: &mut Inspector, requests: &[Labelled]) -> String {
    let mut used: BTreeMap<(String, Option<String>), BTreeSet<&str>> = BTreeMap::new();
    for labelled in requests.iter().filter(|labelled| labelled.ambiguous) {
        let request = labelled.request();
        if inspector.inspect(&request).matches.is_empty() {
            continue;
        }
        let tables = inspector.pack().tables();
        let host = plain_host(request.authority).unwrap_or_default();
        let matched_service = ServiceMatch::of(tables, &host, request.path);
        if let (Some(matched_service), Some(client)) = (matched_service, &labelled.client) {
            let service = tables.str(matched_service.name).to_owned();
            used.entry((service, matched_service.identity_text(tables)))
                .or_default()
                .insert(client);
        }
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let clients: BTreeSet<&str> = used.values().flatten().copied().collect();
    if clients.is_empty() {
        return "# No sanctioned automation was seen that a service knows.\nsources: {}\nsanctioned: []\n"
            .to_owned();
    }
    let mut text = String::from(
        "# What sanctioned automation was seen to do; read it before it is put to work.\nsources:\n",
    );
    for client in clients {
        text += &format!("  {}: [{}]\n", quoted(client), quoted(client));
    }
    text += "statements:\n  - {name: sanctioned use, mode: off, usage: sanctioned}\nsanctioned:\n";
    for ((service, identity), clients) in used {
        let clients: Vec<_> = clients.into_iter().map(quoted).collect();
        text += &format!("  - services: [{}]\n", quoted(&service));
        text += &format!("    sources: [{}]\n", clients.join(", "));
        if let Some(identity) = identity {
            text += &format!("    identities: [{}]\n", quoted(&identity));
        }
    }
    text
}

impl Labelled {
    fn request(&self) -> Request<'_> {
        Request {
            method: self.method.as_bytes(),
            scheme: b"https",
            authority: self.host.as_bytes(),
            path: (self.method != "CONNECT").then_some(self.path.as_bytes()),
            user_agent: self.user_agent.as_deref().map(str::as_bytes),
            ..Request::default()
        }
    }

    fn source(&self) -> Source<'_> {
        Source { named: self.client.as_deref().map(str::as_bytes), ..Source::default() }
    }
}
