//! Checks the names that rules give services, operations and uses: a rule that asks for one that does not
//! exist never matches.

use std::collections::BTreeSet;
use std::sync::Arc;

use diagnostics::{Code, Diagnostic, Finding, Fix, Place, closest};
use inspect::pack::Operation;
use inspect::{OWN_CLIENT, ProxyField, Usage};
use sigma::{Item, Rule, Token, Value, ValueTest};

use crate::codes;
use crate::note::Service;

/// Returns a finding for each value of a rule that is not a name that its field can have.
pub(crate) fn check<'r>(
    rules: impl Iterator<Item = &'r Rule>,
    services: &[Service],
) -> Vec<Finding> {
    let names = Names {
        services: services.iter().map(|service| service.name.as_str()).collect(),
        categories: services.iter().map(|service| service.category.as_str()).collect(),
    };
    let mut findings = Vec::new();
    for rule in rules {
        for selection in &rule.selections {
            selection.search.items(&mut |item| names.check(rule, item, &mut findings));
        }
    }
    findings
}

struct Names<'n> {
    services: BTreeSet<&'n str>,
    categories: BTreeSet<&'n str>,
}

impl Names<'_> {
    fn check(&self, rule: &Rule, item: &Item, findings: &mut Vec<Finding>) {
        let field = item.field.as_deref().and_then(ProxyField::from_name);
        let operations = || Operation::ALL.iter().map(|operation| operation.as_str()).collect();
        let usages = || Usage::ALL.iter().map(|usage| usage.as_str()).collect();
        let (what, code, names): (&str, &'static Code, Vec<&str>) = match field {
            Some(ProxyField::Service) => {
                ("service", &codes::UNKNOWN_SERVICE, self.services.iter().copied().collect())
            }
            Some(ProxyField::Category) => {
                ("category", &codes::UNKNOWN_SERVICE, self.categories.iter().copied().collect())
            }
            Some(ProxyField::Operation) => ("operation", &codes::IMPOSSIBLE_VALUE, operations()),
            Some(ProxyField::Client) => ("client", &codes::IMPOSSIBLE_VALUE, vec![OWN_CLIENT]),
            Some(ProxyField::Usage) => ("kind of use", &codes::IMPOSSIBLE_VALUE, usages()),
            _ => return,
        };
        for value in &item.values {
            let texts = literals(value);
            let is_known = |text: &String| names.iter().any(|name| name.eq_ignore_ascii_case(text));
            let Some(unknown) = texts.iter().find(|text| !is_known(text)) else { continue };
            let near = closest(unknown, names.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if code.id == codes::UNKNOWN_SERVICE.id => {
                    format!(
                        "write a service note with this {what}, or give the folder of its note too"
                    )
                }
                None => format!("the values are {}", names.join(", ")),
            };
            let place = Place { file: Arc::clone(&rule.file), span: value.span };
            let is_written = *unknown == value.text;
            let fix = near.filter(|_| is_written).map(|near| {
                Box::new(Fix::replace(value.span, &format!("'{}'", near.replace('\'', "''"))))
            });
            let message = format!("there is no {what} `{}`", unknown.escape_debug());
            findings.push(Finding::from(Diagnostic { code, message, help, place, fix }));
        }
    }
}

/// The texts that a value may be as a whole; none where it has wildcards or is no text.
fn literals(value: &Value) -> Vec<String> {
    let ValueTest::Text { variants, .. } = &value.test else { return Vec::new() };
    let literal = |tokens: &Vec<Token>| match tokens.as_slice() {
        [Token::Literal(bytes)] => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    };
    variants.iter().filter_map(literal).collect()
}
