//! Log lines against a pack.

use inspect::{Action, CorrelationHit, Inspector, Pack, RuleId, Ruling, Source, Verdict, redact};

use traffic::limits::MAX_LINE_BYTES;
use traffic::log_line::{IDENTITY, Line, Slots, TIME};
use traffic::{
    BYTE_ORDER_MARK, FieldMap, Format, LineReader, Unreadable, har, json, lines, requests,
};

use crate::counts::Counts;
use crate::events;
use crate::terms::{Decided, Of, Terms, Who};

/// Holds log lines against a pack.
#[derive(Debug)]
pub struct Hunter {
    pub(crate) inspector: Inspector,
    pub(crate) format: Format,
    pub(crate) reader: LineReader,
    pub(crate) events: events::Binding,
    pub(crate) show_values: bool,
    pub(crate) terms: Option<Terms>,
}

/// What a piece of a log held.
#[derive(Debug, Default)]
pub struct Haul {
    /// How many lines, events, and why lines were not read.
    pub counts: Counts,
    pub(crate) hits: Vec<Hit>,
}

/// An event that a rule matched.
#[derive(Debug)]
pub(crate) struct Hit {
    /// The line in the piece, from 1.
    pub(crate) line: u64,
    pub(crate) time_ms: Option<i64>,
    pub(crate) has_bad_time: bool,
    /// Method, host, path template and source address, where the event is a request.
    pub(crate) request: Option<Summary>,
    pub(crate) matches: Vec<Matched>,
    pub(crate) hits: Vec<CorrelationHit>,
    /// What the policy makes of it, where it is asked.
    pub(crate) decided: Option<Decided>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) source: String,
}

/// A rule that matched, and why: the field, what the rule looks for, and the value where it may be shown.
#[derive(Debug)]
pub(crate) struct Matched {
    pub(crate) rule: RuleId,
    pub(crate) evidence: Vec<(String, String, Option<String>)>,
    pub(crate) ruling: Option<Ruling>,
}

impl Haul {
    /// A line that was too long to be read at all.
    pub fn too_long() -> Haul {
        let mut haul = Haul::default();
        haul.counts.n_lines = 1;
        haul.counts.refuse(Unreadable::TooLong);
        haul
    }
}

impl Hunter {
    /// Puts a pack to work on a format. `map` says what fields are called in [`Format::Json`].
    pub fn new(pack: Pack, format: Format, map: &FieldMap, show_values: bool) -> Hunter {
        let events = events::Binding::new(pack.tables(), format, map);
        let reader = requests::reader(format);
        Hunter { inspector: Inspector::new(pack), format, reader, events, show_values, terms: None }
    }

    /// The same, asking the pack's policy: what it turns off is not found, what it excuses is counted.
    #[must_use]
    pub fn under(self, terms: Terms) -> Hunter {
        Hunter { terms: Some(terms), ..self }
    }

    /// The pack.
    pub fn pack(&self) -> &Pack {
        self.inspector.pack()
    }

    /// Holds a piece of a log against the pack; for [`Format::Har`] a whole document.
    pub fn hunt(&mut self, piece: &[u8]) -> Haul {
        let mut haul = Haul::default();
        if self.format == Format::Har {
            self.document(piece, &mut haul);
            return haul;
        }
        for (number, line) in (1..).zip(lines(piece)) {
            haul.counts.n_lines += 1;
            let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
            // Zeek's and other logs' headers, also in JSON streams that were cut from them.
            if line.is_empty() || line.starts_with(b"#") {
                haul.counts.n_blank += 1;
                continue;
            }
            if line.len() > MAX_LINE_BYTES {
                haul.counts.refuse(Unreadable::TooLong);
                continue;
            }
            match self.line(line, number) {
                Ok(hit) => {
                    haul.counts.n_events += 1;
                    haul.hits.extend(hit);
                }
                Err(reason) => haul.counts.refuse(reason),
            }
        }
        haul
    }

    fn line(&mut self, line: &[u8], number: u64) -> Result<Option<Hit>, Unreadable> {
        match self.format {
            Format::Envoy | Format::ZeekHttp => {
                let (mut slots, mut request) = (Slots::default(), Line::default());
                requests::read(line, &mut self.reader, &mut slots)?;
                requests::write(&slots, self.format, &mut request)?;
                let lent = request.lend();
                let verdict = self.inspector.inspect(&lent);
                let who = Who::read(slots.raw(IDENTITY), &lent)?;
                let time = slots.raw(TIME).map(json::Time);
                self.hit(verdict, number, time, Of::Request(&lent, who.lend()))
            }
            Format::Urls => {
                let request = requests::of_url(line)?;
                let lent = request.lend();
                let verdict = self.inspector.inspect(&lent);
                self.hit(verdict, number, None, Of::Request(&lent, Source::default()))
            }
            Format::ZeekSsl | Format::ZeekDns | Format::Json => {
                let events = &self.events;
                let mut read = Err(Unreadable::NotJson);
                let verdict = self.inspector.inspect_event(|_, event| {
                    read = events.answer(line, event);
                });
                let time = read?;
                self.hit(verdict, number, time, Of::Line(line))
            }
            Format::Har => Err(Unreadable::NotJson),
        }
    }

    fn document(&mut self, document: &[u8], haul: &mut Haul) {
        let entries = match har::entries(document) {
            Ok(entries) => entries,
            Err(reason) => {
                haul.counts.n_lines += 1;
                haul.counts.refuse(reason);
                return;
            }
        };
        for (number, entry) in (1..).zip(entries) {
            haul.counts.n_lines += 1;
            let hit = har::request(entry).and_then(|(request, time)| {
                let lent = request.lend();
                let verdict = self.inspector.inspect(&lent);
                self.hit(verdict, number, time, Of::Request(&lent, Source::default()))
            });
            match hit {
                Ok(hit) => {
                    haul.counts.n_events += 1;
                    haul.hits.extend(hit);
                }
                Err(reason) => haul.counts.refuse(reason),
            }
        }
    }

    /// What is kept of an event that something matched. The time is only read where it is needed.
    fn hit(
        &mut self,
        mut verdict: Verdict,
        line: u64,
        time: Option<json::Time<'_>>,
        of: Of<'_>,
    ) -> Result<Option<Hit>, Unreadable> {
        if verdict.matches.is_empty() {
            return Ok(None);
        }
        let time_ms = time.and_then(json::Time::milliseconds);
        let (hits, decided) = match self.terms {
            None => (self.inspector.correlation_hits(&verdict), None),
            Some(terms) => self.decide(&terms, &mut verdict, of, time_ms)?,
        };
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let request = of.request().map(|request| Summary {
            method: text(request.method),
            host: redact::host(request.authority),
            path: match request.path {
                Some(path) if self.show_values => text(path),
                path => redact::path_template(
                    self.inspector.pack().tables(),
                    request.authority,
                    path.unwrap_or_default(),
                ),
            },
            source: text(request.source_address.unwrap_or_default()),
        });
        let is_told = |decided: &Decided| decided.decision.action != Action::Allow;
        let rulings = decided.iter().flat_map(|decided| &decided.decision.rulings);
        let rulings = rulings.map(|ruling| Some(*ruling)).chain(std::iter::repeat(None));
        let alerts = verdict.matches.iter().zip(rulings).filter(|(matched, _)| matched.alerts);
        let matches = alerts.map(|(matched, ruling)| Matched {
            rule: matched.rule,
            ruling,
            evidence: matched
                .evidence
                .iter()
                .map(|evidence| {
                    let value = self.show_values.then(|| String::from_utf8_lossy(&evidence.value));
                    let value = value.map(std::borrow::Cow::into_owned);
                    (evidence.label.clone(), evidence.pattern.clone(), value)
                })
                .collect(),
        });
        // As with events: of what is excused as a whole nothing is told, but it is counted.
        let matches =
            if decided.as_ref().is_none_or(is_told) { matches.collect() } else { Vec::new() };
        let has_bad_time = time.is_some() && time_ms.is_none();
        Ok(Some(Hit { line, time_ms, has_bad_time, request, matches, hits, decided }))
    }
}

#[cfg(test)]
mod tests;
