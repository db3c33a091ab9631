//! The state of one page: traffic, a draft, and packs to run over the traffic.

use std::collections::{BTreeMap, BTreeSet};

use hunt::ObservedLog;
use inspect::{Inspector, Request, RuleId, User, Verdict};
use knowledge::{Expectation, pack_file};
use serde::Serialize;

use crate::case::CaseVerdict;
use crate::check::{Checked, check_beside};
use crate::decision::actions;
use crate::example::{head, with_example};
use crate::explanation::{Context, Explained, explained, phase_name};
use crate::import::{Import, Imported};
use crate::limits::{MAX_PACKS, MAX_SAMPLE};
use crate::row::{Row, RowText};
use crate::shared::Shared;

/// The rules to run over traffic: the draft, or a pack by the number that the page gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub u32);

impl Slot {
    /// The rules of the editor.
    pub const DRAFT: Slot = Slot(0);
}

/// Traffic and packs.
#[derive(Debug, Default)]
pub struct Session {
    inspectors: BTreeMap<u32, Inspector>,
    import: Import,
    shared: Shared,
    /// What the sources of the traffic did over time, once it was asked for.
    #[expect(clippy::option_option, reason = "not asked for, or nothing observed")]
    observed: Option<Option<ObservedLog>>,
    /// The page's clock, in seconds since 1970: exceptions expire by it.
    now: u64,
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

impl Session {
    /// Sets the clock, in seconds since 1970.
    pub fn set_clock(&mut self, now: u64) {
        self.now = now;
    }

    /// Sets the lists and services that drafts may refer to.
    pub fn share(&mut self, shared: Shared) {
        self.shared = shared;
        self.observed = None;
    }

    /// Checks the text of the editor and puts its rules into the draft's slot. A text of which no rule
    /// runs empties the slot.
    pub fn check(&mut self, text: &str) -> Checked {
        let (checked, inspector) = check_beside(text, &self.shared);
        match inspector {
            Some(inspector) => self.inspectors.insert(Slot::DRAFT.0, inspector),
            None => self.inspectors.remove(&Slot::DRAFT.0),
        };
        checked
    }

    /// Puts a pack into a slot.
    ///
    /// # Errors
    /// One of `F010` to `F015`, or no slot is left; the slot keeps what it had.
    pub fn load(&mut self, slot: Slot, name: &str, bytes: &[u8]) -> Result<(), String> {
        let pack = pack_file::decode(&name.into(), bytes).map_err(|finding| {
            let found = &finding.diagnostic;
            format!("{}: {}; {}", found.code.id, found.message, found.help)
        })?;
        if self.inspectors.len() > MAX_PACKS && !self.inspectors.contains_key(&slot.0) {
            return Err(format!("there are {MAX_PACKS} packs already; load the page anew"));
        }
        self.inspectors.insert(slot.0, Inspector::new(pack));
        Ok(())
    }

    /// The pack in a slot.
    pub fn pack(&self, slot: Slot) -> Option<PackInfo> {
        let pack = self.inspectors.get(&slot.0)?.pack();
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

    /// Starts to read traffic, and drops earlier traffic.
    pub fn import(&mut self, bytes: Vec<u8>) {
        self.import = Import::new(bytes);
        self.observed = None;
    }

    /// Reads up to `n_pieces` more of the traffic.
    pub fn import_step(&mut self, n_pieces: usize) -> Imported {
        self.observed = None;
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
        // Rules of a pack are run over time by `tidegate hunt`; a draft's are tried here.
        let is_draft = slot == Slot::DRAFT || compare_with == Some(Slot::DRAFT);
        let draft = self.inspectors.get(&Slot::DRAFT.0).filter(|_| is_draft);
        let watches = draft.is_some_and(|draft| !draft.asks_behaviour().is_empty());
        if watches {
            self.observe();
        }
        let observed = self.observed.as_ref().and_then(Option::as_ref).filter(|_| watches);
        let mut observer = observed.map(ObservedLog::observer);
        let end = start.saturating_add(n_rows).min(self.import.requests.len());
        let requests = self.import.requests.get(start..end).unwrap_or_default();
        let inspectors = &mut self.inspectors;
        let now = self.now;
        let rows = requests.iter().map(|request| {
            let request = request.lend();
            let mut row = Row::default();
            let behaviour = observer.as_mut().and_then(|observer| observer.behaviour(&request));
            let behaviour = behaviour.unwrap_or_default();
            if let Some(inspector) = inspectors.get_mut(&slot.0) {
                let verdict = inspector.inspect_with(&request, &User::of(&request), &behaviour);
                row.rules = indices(&verdict);
                (row.monitor, row.enforce) = actions(inspector.pack(), &verdict, &request, now);
                row.is_odd = verdict.anomalies.iter().next().is_some();
            }
            if let Some(other) = compare_with {
                let mut acts = Default::default();
                if let Some(inspector) = inspectors.get_mut(&other.0) {
                    let verdict = inspector.inspect_with(&request, &User::of(&request), &behaviour);
                    row.others = indices(&verdict);
                    acts = actions(inspector.pack(), &verdict, &request, now);
                }
                row.is_changed = (row.monitor, row.enforce) != acts
                    || ids(inspectors.get(&slot.0), &row.rules)
                        != ids(inspectors.get(&other.0), &row.others);
            }
            row
        });
        rows.collect()
    }

    /// Reads the traffic for what its sources did over time, unless that is known.
    fn observe(&mut self) {
        if self.observed.is_none() {
            self.observed = Some(self.import.log().and_then(|log| self.shared.observe(log)));
        }
    }

    /// Returns the columns of requests, by their numbers.
    pub fn texts(&self, rows: &[u32]) -> Vec<RowText> {
        let requests = rows.iter().filter_map(|row| self.import.requests.get(*row as usize));
        requests.map(RowText::of).collect()
    }

    /// The numbers of the requests whose method and URL contain a text, in either case of letters.
    pub fn find(&self, text: &str) -> Vec<u32> {
        let wanted = text.to_lowercase();
        let requests = (0..).zip(&self.import.requests);
        let found = requests.filter(|(_, request)| {
            let RowText { method, url } = RowText::of(request);
            format!("{method} {url}").to_lowercase().contains(&wanted)
        });
        found.map(|(row, _)| row).collect()
    }

    /// Explains a request; rules of a draft also where they do not match, and rules with the given ids.
    pub fn explain(&mut self, row: usize, slot: Slot, ids: &[String]) -> Option<Explained> {
        let request = self.import.requests.get(row)?.clone();
        self.observe();
        let observed = self.observed.as_ref().and_then(Option::as_ref);
        let observed = observed.and_then(|log| log.observer().pair(&request.lend()));
        let inspector = self.inspectors.get_mut(&slot.0)?;
        let tables = inspector.pack().tables();
        let rules = (0..).map(RuleId).zip(&tables.rules);
        let is_asked = |id| slot == Slot::DRAFT || ids.iter().any(|asked| asked == id);
        let asked = rules.filter(|(_, rule)| is_asked(tables.str(rule.id))).map(|(id, _)| id);
        let asked: Vec<RuleId> = asked.collect();
        let services = self.shared.services_pack();
        let context = Context { now: self.now, services, observed, is_draft: slot == Slot::DRAFT };
        Some(explained(inspector, &request, &asked, context))
    }

    /// Inspects a request `n_times`, for whoever has a clock. Returns how often a rule matched.
    pub fn repeat(&mut self, row: usize, slot: Slot, n_times: usize) -> usize {
        let Some(request) = self.import.requests.get(row).cloned() else { return 0 };
        let Some(inspector) = self.inspectors.get_mut(&slot.0) else { return 0 };
        (0..n_times).map(|_| inspector.inspect(&request.lend()).matches.len()).sum()
    }

    /// Requests of a text of which a pack matches some, for a start: one for each rule that matches, and
    /// at the end one that passes. Empty where nothing matches.
    pub fn sample(&mut self, slot: Slot, requests: &str) -> String {
        let mut import = Import::new(requests.as_bytes().to_vec());
        while !import.step(1000).is_done {}
        let Some(inspector) = self.inspectors.get_mut(&slot.0) else { return String::new() };
        let (mut seen, mut sample, mut passed) = (BTreeSet::new(), Vec::new(), None);
        for request in &import.requests {
            let verdict = inspector.inspect(&request.lend());
            match verdict
                .matches
                .iter()
                .map(|matched| matched.rule)
                .find(|rule| !seen.contains(rule))
            {
                Some(_) if sample.len() < MAX_SAMPLE => {
                    seen.extend(verdict.matches.iter().map(|matched| matched.rule));
                    sample.push(head(request));
                }
                None if verdict.matches.is_empty() => {
                    passed = passed.or_else(|| Some(head(request)));
                }
                _ => {}
            }
        }
        if sample.is_empty() {
            return String::new();
        }
        sample.extend(passed);
        sample.join("\n")
    }

    /// The text with a request as an example.
    pub fn with_example(&self, text: &str, row: usize, expectation: Expectation) -> Option<String> {
        Some(with_example(text, self.import.requests.get(row)?, expectation))
    }

    /// The verdict on a request of a table of cases.
    pub fn verdict(&mut self, slot: Slot, request: &Request<'_>) -> CaseVerdict {
        let Some(inspector) = self.inspectors.get_mut(&slot.0) else {
            return CaseVerdict::default();
        };
        let verdict = inspector.inspect(request);
        CaseVerdict::new(&verdict, inspector.pack())
    }
}

fn indices(verdict: &Verdict) -> Vec<u32> {
    verdict.matches.iter().map(|matched| matched.rule.0).collect()
}

/// The ids of rules, in order: packs number their rules as they like.
fn ids<'i>(inspector: Option<&'i Inspector>, rules: &[u32]) -> Vec<&'i str> {
    let tables = inspector.map(|inspector| inspector.pack().tables());
    let id = |rule: &u32| Some(tables?.str(tables?.rule(RuleId(*rule))?.id));
    let mut ids: Vec<_> = rules.iter().filter_map(id).collect();
    ids.sort_unstable();
    ids
}

/// `attack.t1102.002` as `T1102.002`.
pub(crate) fn technique(tag: &str) -> Option<String> {
    let number = tag.strip_prefix("attack.t")?;
    number.starts_with(|char: char| char.is_ascii_digit()).then(|| format!("T{number}"))
}
