//! Which fields the requests of logs had, and which rules ask for others.

use std::collections::BTreeMap;

use inspect::pack::Tables;
use inspect::{FieldId, ProxyField, RuleId, rules_needing};
use traffic::Line;

/// The fields that a request had, as a set; nothing is known of them before a request was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given(u32);

/// Set for a request, and for an event whose keys are the fields of its own log.
const OF_REQUEST: u32 = 1 << 30;
const OF_EVENT: u32 = 1 << 31;

/// The fields that a log may lack. A destination and anomalies are found in every log.
const FIELDS: [ProxyField; 12] = [
    ProxyField::Method,
    ProxyField::Version,
    ProxyField::UserAgent,
    ProxyField::Referrer,
    ProxyField::Cookie,
    ProxyField::ServerName,
    ProxyField::SourceAddress,
    ProxyField::Status,
    ProxyField::RequestBytes,
    ProxyField::ResponseBytes,
    ProxyField::UriStem,
    ProxyField::UriQuery,
];

impl Given {
    /// Returns the fields that a request has.
    pub(crate) fn of(line: &Line<'_>) -> Given {
        let has_path = line.path.is_some();
        let given = [
            !line.method.is_empty() && !line.assumes_method,
            !line.version.is_empty(),
            line.user_agent.is_some(),
            line.referrer.is_some(),
            line.cookie.is_some(),
            line.server_name.is_some(),
            line.source_address.is_some(),
            line.status.is_some(),
            line.request_bytes.is_some(),
            line.response_bytes.is_some(),
            has_path,
            has_path,
        ];
        let bits = (0..).zip(given).map(|(idx, is_given)| u32::from(is_given) << idx);
        Given(bits.fold(OF_REQUEST, |all, bit| all | bit))
    }

    /// Returns what an event gives whose keys are the fields of its own log: it may have any field.
    pub(crate) fn of_event() -> Given {
        Given(OF_EVENT)
    }

    /// Adds the fields of other requests.
    pub(crate) fn add(&mut self, other: Given) {
        self.0 |= other.0;
    }

    fn lacks(self, field: ProxyField) -> bool {
        let field = if field == ProxyField::UriExtension { ProxyField::UriStem } else { field };
        let idx = FIELDS.iter().position(|known| *known == field);
        self.0 & OF_REQUEST != 0 && idx.is_some_and(|idx| self.0 & 1 << idx == 0)
    }

    /// Returns true if no field can be there that is none of a request.
    fn lacks_others(self) -> bool {
        self.0 & (OF_REQUEST | OF_EVENT) == OF_REQUEST
    }
}

/// The rules that ask for a field.
#[derive(Debug, Default)]
pub(crate) struct Asking<'t> {
    /// The titles of those that match no request without it.
    pub(crate) needing: Vec<&'t str>,
    /// The number of the others.
    pub(crate) n_others: usize,
}

/// Returns the rules that ask for fields that no request had, by field.
pub(crate) fn unanswered(tables: &Tables, given: Given) -> BTreeMap<&str, Asking<'_>> {
    let names = tables.fields.iter().map(|name| tables.str(*name));
    let lacking =
        names.filter(|name| ProxyField::from_name(name).is_some_and(|field| given.lacks(field)));
    let asked =
        lacking.map(|name| (name, asking(tables, |field| tables.field_name(field) == name)));
    // Of correlations alone there are no rules.
    asked.filter(|(_, asking)| !asking.needing.is_empty() || asking.n_others > 0).collect()
}

/// Returns the fields of other logs that rules ask for, and these rules; nothing where a log may have had them.
pub(crate) fn foreign(tables: &Tables, given: Given) -> Option<(Vec<&str>, Asking<'_>)> {
    let is_foreign = |name: &str| ProxyField::from_name(name).is_none();
    let names = tables.fields.iter().map(|name| tables.str(*name)).filter(|name| is_foreign(name));
    let names: Vec<_> = names.filter(|_| given.lacks_others()).collect();
    let asking = asking(tables, |field| is_foreign(tables.field_name(field)));
    let is_asked = !asking.needing.is_empty() || asking.n_others > 0;
    (is_asked && !names.is_empty()).then_some((names, asking))
}

/// Returns the rules that ask for a whole path.
pub(crate) fn of_paths(tables: &Tables) -> Asking<'_> {
    asking(tables, |field| {
        matches!(
            ProxyField::from_name(tables.field_name(field)),
            Some(
                ProxyField::Uri
                    | ProxyField::UriStem
                    | ProxyField::UriQuery
                    | ProxyField::UriExtension
            )
        )
    })
}

fn asking(tables: &Tables, is_lacking: impl Fn(FieldId) -> bool) -> Asking<'_> {
    let mut asking = Asking::default();
    let needing = rules_needing(tables, &is_lacking);
    for (rule, of_rule) in (0..).map(RuleId).zip(&tables.rules) {
        if !tables.fields_of(rule).into_iter().any(&is_lacking) {
            continue;
        }
        if needing.contains(&rule) {
            asking.needing.push(tables.str(of_rule.title));
        } else {
            asking.n_others += 1;
        }
    }
    asking
}
