//! What one page holds: traffic, a draft, and packs to hold the traffic against.

use inspect::{Inspector, Mode, Pack, RuleId, Verdict};
use knowledge::explain::printable;
use knowledge::{Expectation, RecordedRequest, pack_file};
use serde::Serialize;

use crate::check::{Checked, check};
use crate::example::with_example;
use crate::explanation::{Explained, explain, phase_name};
use crate::import::{Import, Imported};

/// What traffic is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The rules of the editor.
    Draft,
    /// The first pack: the shipped one, unless another was dropped.
    Pack,
    /// The second pack, to compare with.
    Other,
}

impl Slot {
    /// The slot of a number that the page gives.
    pub fn from_number(number: u32) -> Slot {
        match number {
            0 => Slot::Draft,
            1 => Slot::Pack,
            _ => Slot::Other,
        }
    }

    fn index(self) -> usize {
        match self {
            Slot::Draft => 0,
            Slot::Pack => 1,
            Slot::Other => 2,
        }
    }
}

/// Traffic and packs.
#[derive(Debug, Default)]
pub struct Session {
    inspectors: [Option<Inspector>; 3],
    import: Import,
}

/// A pack, for its list of rules.
#[derive(Clone, Debug, Serialize)]
pub struct PackInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its content hash in hexadecimal.
    pub hash: String,
    /// Its rules, in its order: rows name them by index.
    pub rules: Vec<RuleInfo>,
}

/// A rule of a pack.
#[derive(Clone, Debug, Serialize)]
pub struct RuleInfo {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
    /// The author.
    pub author: String,
    /// The level; may be empty.
    pub level: &'static str,
    /// When it is decided.
    pub phase: &'static str,
    /// Its ATT&CK techniques, as `T1102.002`.
    pub techniques: Vec<String>,
}

/// The verdict on one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The method, printable.
    pub method: String,
    /// The URL, printable.
    pub url: String,
    /// The rules that match, as indices into the pack's.
    pub rules: Vec<u32>,
    /// What happens in monitor mode.
    pub monitor: &'static str,
    /// What happens in enforce mode.
    pub enforce: &'static str,
    /// Names of anomalies.
    pub anomalies: Vec<&'static str>,
    /// The rules of the other pack that match; empty if there is none to compare with.
    pub others: Vec<u32>,
    /// Whether the other pack judges otherwise, by the ids of rules.
    pub is_changed: bool,
}

impl Session {
    /// Checks the text of the editor and puts its rules into the draft's slot. A text of which no rule
    /// runs empties the slot.
    pub fn check(&mut self, text: &str) -> Checked {
        let (checked, pack) = check(text);
        self.put(Slot::Draft, pack);
        checked
    }

    /// Puts a pack into a slot.
    ///
    /// # Errors
    /// One of `F010` to `F015`; the slot keeps what it had.
    pub fn load(&mut self, slot: Slot, name: &str, bytes: &[u8]) -> Result<(), String> {
        let pack = pack_file::decode(&name.into(), bytes).map_err(|finding| {
            let found = &finding.diagnostic;
            format!("{}: {}; {}", found.code.id, found.message, found.help)
        })?;
        self.put(slot, Some(pack));
        Ok(())
    }

    fn put(&mut self, slot: Slot, pack: Option<Pack>) {
        if let Some(place) = self.inspectors.get_mut(slot.index()) {
            *place = pack.map(Inspector::new);
        }
    }

    fn inspector(&mut self, slot: Slot) -> Option<&mut Inspector> {
        self.inspectors.get_mut(slot.index())?.as_mut()
    }

    /// The pack in a slot.
    pub fn pack(&self, slot: Slot) -> Option<PackInfo> {
        let pack = self.inspectors.get(slot.index())?.as_ref()?.pack();
        let tables = pack.tables();
        let rules = tables.rules.iter().map(|rule| RuleInfo {
            id: tables.str(rule.id).to_owned(),
            title: tables.str(rule.title).to_owned(),
            author: tables.str(rule.author).to_owned(),
            level: rule.level.as_str(),
            phase: phase_name(rule.phase),
            techniques: tables.rule_tags(rule).filter_map(technique).collect(),
        });
        Some(PackInfo {
            name: tables.name.clone(),
            version: tables.version,
            hash: pack.hash().to_string(),
            rules: rules.collect(),
        })
    }

    /// Starts to read traffic; what was there before is gone.
    pub fn import(&mut self, bytes: Vec<u8>) {
        self.import = Import::new(bytes);
    }

    /// Reads up to `n_pieces` more of the traffic.
    pub fn import_step(&mut self, n_pieces: usize) -> Imported {
        self.import.step(n_pieces)
    }

    /// How many requests there are.
    pub fn n_requests(&self) -> usize {
        self.import.requests.len()
    }

    /// The verdicts on `n_rows` requests from `start`. A slot without a pack matches nothing.
    pub fn judge(
        &mut self,
        start: usize,
        n_rows: usize,
        slot: Slot,
        compare_with: Option<Slot>,
    ) -> Vec<Row> {
        let end = start.saturating_add(n_rows).min(self.import.requests.len());
        let requests = self.import.requests.get(start..end).unwrap_or_default();
        let mut rows = Vec::with_capacity(requests.len());
        for request in requests {
            let (verdict, ids, actions) = judge_one(&mut self.inspectors, slot, request);
            let (others, is_changed) = match compare_with {
                None => (Vec::new(), false),
                Some(other) => {
                    let (verdict, other_ids, other_actions) =
                        judge_one(&mut self.inspectors, other, request);
                    let is_changed = ids != other_ids || actions != other_actions;
                    (indices(&verdict), is_changed)
                }
            };
            rows.push(Row {
                method: printable(&request.method),
                url: printable(&request.url()),
                rules: indices(&verdict),
                monitor: actions.0,
                enforce: actions.1,
                anomalies: verdict.anomalies.iter().map(inspect::Anomaly::as_str).collect(),
                others,
                is_changed,
            });
        }
        rows
    }

    /// Explains a request; rules of a draft also where they do not match.
    pub fn explain(&mut self, row: usize, slot: Slot) -> Option<Explained> {
        let request = self.import.requests.get(row)?.clone();
        let inspector = self.inspector(slot)?;
        let n_rules = u32::try_from(inspector.pack().tables().rules.len()).unwrap_or(u32::MAX);
        let asked: Vec<_> = match slot {
            Slot::Draft => (0..n_rules).map(RuleId).collect(),
            Slot::Pack | Slot::Other => Vec::new(),
        };
        Some(explain(inspector, &request, &asked))
    }

    /// Inspects a request `n_times`, for whoever has a clock. Returns how often a rule matched.
    pub fn repeat(&mut self, row: usize, slot: Slot, n_times: usize) -> usize {
        let Some(request) = self.import.requests.get(row).cloned() else { return 0 };
        let Some(inspector) = self.inspector(slot) else { return 0 };
        (0..n_times).map(|_| inspector.inspect(&request.lend()).matches.len()).sum()
    }

    /// The text with a request as an example.
    pub fn with_example(&self, text: &str, row: usize, expectation: Expectation) -> Option<String> {
        Some(with_example(text, self.import.requests.get(row)?, expectation))
    }

    /// The titles of the rules that match a request, and the actions of both modes: for a table of
    /// cases.
    pub fn verdict(
        &mut self,
        slot: Slot,
        request: &RecordedRequest,
    ) -> (Vec<String>, [&'static str; 2]) {
        let (verdict, _, actions) = judge_one(&mut self.inspectors, slot, request);
        let info = self.pack(slot);
        let rules = info.map(|info| info.rules).unwrap_or_default();
        let titles = indices(&verdict)
            .into_iter()
            .filter_map(|index| Some(rules.get(index as usize)?.title.clone()));
        (titles.collect(), [actions.0, actions.1])
    }
}

fn judge_one(
    inspectors: &mut [Option<Inspector>; 3],
    slot: Slot,
    request: &RecordedRequest,
) -> (Verdict, Vec<String>, (&'static str, &'static str)) {
    let Some(Some(inspector)) = inspectors.get_mut(slot.index()) else {
        return (Verdict::default(), Vec::new(), ("allow", "allow"));
    };
    let verdict = inspector.inspect(&request.lend());
    let tables = inspector.pack().tables();
    let ids = verdict.matches.iter().filter_map(|matched| tables.rule(matched.rule));
    let mut ids: Vec<_> = ids.map(|rule| tables.str(rule.id).to_owned()).collect();
    ids.sort_unstable();
    let action = |mode| verdict.action(mode).as_str();
    let actions = (action(Mode::Monitor), action(Mode::Enforce));
    (verdict, ids, actions)
}

fn indices(verdict: &Verdict) -> Vec<u32> {
    verdict.matches.iter().map(|matched| matched.rule.0).collect()
}

/// `attack.t1102.002` as `T1102.002`.
fn technique(tag: &str) -> Option<String> {
    let number = tag.strip_prefix("attack.t")?;
    number.starts_with(|char: char| char.is_ascii_digit()).then(|| format!("T{number}"))
}
