//! Host suffixes at the boundaries of labels.
//!
//! In Sigma `cs-host|endswith: pastebin.com` is about text: it holds for `evilpastebin.com` too, and
//! `.t.me` misses `t.me`. A pack can be compiled so that both mean the domain and all below it
//! ([`HostMatching::Labels`](inspect::pack::HostMatching)). The meaning of a rule is changed here, in
//! front of the compiler, so that nothing at run time knows of it.

use std::collections::BTreeSet;
use std::slice;

use crate::logsource::{AtProxy, field_at_proxy};
use crate::rule::{Item, Linking, Logsource, Rule, Search, Token, Value, ValueTest};

/// The fields whose values are host names.
pub(crate) const HOST_FIELDS: &[&str] = &["cs-host", "r-dns", "tls.client.server_name"];

/// Returns true if an item of a rule looks at a host.
fn is_host(logsource: &Logsource, item: &Item) -> bool {
    let field = item.field.as_deref().and_then(|field| field_at_proxy(logsource, field));
    matches!(field, Some(AtProxy::Field(field)) if HOST_FIELDS.contains(&field))
}

/// The rule with host suffixes that hold for a domain and all below it; `None` where that is what
/// the rule says already.
pub(crate) fn at_boundaries(rule: &Rule) -> Option<Rule> {
    if changed_items(rule).is_empty() {
        return None;
    }
    let mut rule = rule.clone();
    let logsource = rule.logsource.clone();
    for selection in &mut rule.selections {
        change(&mut selection.search, &logsource);
    }
    Some(rule)
}

/// The items of a rule that mean something else at label boundaries.
pub(crate) fn changed_items(rule: &Rule) -> Vec<&Item> {
    let mut changed = Vec::new();
    for selection in &rule.selections {
        selection.search.items(&mut |item| {
            if is_host(&rule.logsource, item) && means_something_else(item) {
                changed.push(item);
            }
        });
    }
    changed
}

/// Values that list a domain and, as a suffix with its dot, all below it mean the same either way.
fn means_something_else(item: &Item) -> bool {
    let differs = |values: &[Value]| {
        let mut changed = values.to_vec();
        changed.iter_mut().for_each(change_value);
        meaning(values) != meaning(&changed)
    };
    match item.linking {
        Linking::Any => differs(&item.values),
        Linking::All => item.values.iter().any(|value| differs(slice::from_ref(value))),
    }
}

/// The texts that values look for, each once.
fn meaning(values: &[Value]) -> BTreeSet<(bool, &[Token])> {
    let mut texts = BTreeSet::new();
    for value in values {
        if let ValueTest::Text { variants, cased } = &value.test {
            texts.extend(variants.iter().map(|tokens| (*cased, tokens.as_slice())));
        }
    }
    texts
}

/// A domain that a suffix names.
pub(crate) struct Domain<'t>(&'t [u8]);

impl Domain<'_> {
    /// The domain itself, and all below it.
    fn variants(&self) -> [Vec<Token>; 2] {
        let below = [b".", self.0].concat();
        [vec![Token::Literal(self.0.to_vec())], vec![Token::Many, Token::Literal(below)]]
    }
}

/// The domain of a suffix. A suffix that starts with something else than a label or a dot (`-cdn.example`)
/// was meant as text.
fn suffix(tokens: &[Token]) -> Option<Domain<'_>> {
    let [Token::Many, Token::Literal(text)] = tokens else { return None };
    domain(text)
}

/// The same of a suffix's text.
pub(crate) fn domain(text: &[u8]) -> Option<Domain<'_>> {
    let domain = text.strip_prefix(b".").unwrap_or(text);
    let starts_label = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    domain.first().is_some_and(starts_label).then_some(Domain(domain))
}

fn change(search: &mut Search, logsource: &Logsource) {
    match search {
        Search::All(parts) | Search::Any(parts) => {
            for part in parts {
                change(part, logsource);
            }
        }
        Search::Item(item) => {
            if is_host(logsource, item) {
                item.values.iter_mut().for_each(change_value);
            }
        }
    }
}

fn change_value(value: &mut Value) {
    let ValueTest::Text { variants, .. } = &mut value.test else { return };
    let mut changed: Vec<Vec<Token>> = Vec::with_capacity(variants.len());
    for tokens in variants.drain(..) {
        let of_domain = suffix(&tokens).map(|domain| Vec::from(domain.variants()));
        for tokens in of_domain.unwrap_or_else(|| vec![tokens]) {
            if !changed.contains(&tokens) {
                changed.push(tokens);
            }
        }
    }
    *variants = changed;
}
