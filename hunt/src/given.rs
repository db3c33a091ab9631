//! Which fields the requests of logs had, and which rules ask for others.

use std::collections::BTreeMap;

use inspect::pack::Tables;
use inspect::{ProxyField, RuleId};
use traffic::Line;

/// The fields that a request had, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given(u32);

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
            !line.method.is_empty(),
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
        Given(bits.fold(0, |all, bit| all | bit))
    }

    /// Adds the fields of other requests.
    pub(crate) fn add(&mut self, other: Given) {
        self.0 |= other.0;
    }

    fn lacks(self, field: ProxyField) -> bool {
        let field = if field == ProxyField::UriExtension { ProxyField::UriStem } else { field };
        let idx = FIELDS.iter().position(|known| *known == field);
        idx.is_some_and(|idx| self.0 & 1 << idx == 0)
    }
}

/// Returns the titles of the rules that ask for a field that no request had, by the field.
pub(crate) fn unanswered(tables: &Tables, given: Given) -> BTreeMap<&str, Vec<&str>> {
    asking(tables, |field| given.lacks(field))
}

/// Returns the titles of the rules that ask for a whole path.
pub(crate) fn of_paths(tables: &Tables) -> Vec<&str> {
    let is_path = |field| {
        matches!(
            field,
            ProxyField::Uri | ProxyField::UriStem | ProxyField::UriQuery | ProxyField::UriExtension
        )
    };
    let mut titles: Vec<&str> = asking(tables, is_path).into_values().flatten().collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}

fn asking(tables: &Tables, wanted: impl Fn(ProxyField) -> bool) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (rule, of_rule) in (0..).map(RuleId).zip(&tables.rules) {
        for field in tables.fields_of(rule) {
            let name = tables.field_name(field);
            if ProxyField::from_name(name).is_some_and(&wanted) {
                found.entry(name).or_default().push(tables.str(of_rule.title));
            }
        }
    }
    found
}
