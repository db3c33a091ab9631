//! What changes between two packs: rules and correlations added, removed, changed.

mod content;
mod values;

use inspect::Pack;

use content::{Whole, wholes};

/// What happened to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is only in the new pack.
    Added,
    /// It is only in the old pack.
    Removed,
    /// It is in both and not the same; names what differs, as `condition`, `level`.
    Changed(Vec<&'static str>),
}

/// A rule or a correlation that is not the same in both packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDifference {
    /// Its Sigma `id`, or its title where it has none.
    pub id: String,
    /// Its title, in the new pack if it is there.
    pub title: String,
    /// Its level, likewise.
    pub level: &'static str,
    /// What happened.
    pub change: Change,
}

/// The rules and correlations that differ, in the order of their ids.
///
/// Fields, values and counted groups are compared, not their layout in the packs. Of two rules with one id
/// the last counts; the compiler reports such rules.
pub fn difference(old: &Pack, new: &Pack) -> Vec<RuleDifference> {
    let (old, mut new) = (wholes(old.tables()), wholes(new.tables()));
    let mut differences = Vec::new();
    for (id, old) in old {
        let (title, level, change) = match new.remove(&id) {
            None => (old.title, old.level, Change::Removed),
            Some(new) if new == old => continue,
            Some(new) => (new.title.clone(), new.level, Change::Changed(parts(&old, &new))),
        };
        differences.push(RuleDifference { id, title, level, change });
    }
    differences.extend(new.into_iter().map(|(id, new)| RuleDifference {
        id,
        title: new.title,
        level: new.level,
        change: Change::Added,
    }));
    differences.sort_by(|a, b| a.id.cmp(&b.id));
    differences
}

fn parts(old: &Whole, new: &Whole) -> Vec<&'static str> {
    let parts = old.parts.iter().zip(&new.parts);
    let differing = parts.filter(|((_, old), (_, new))| old != new);
    let names: Vec<_> = differing.map(|((name, _), _)| *name).collect();
    // A rule that became a correlation has other parts.
    if names.is_empty() { vec!["kind"] } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(rules: &[(&str, &str, &str)]) -> Pack {
        let mut compiler = sigma::Compiler::new("test", 1);
        for (id, level, item) in rules {
            let text = format!(
                "title: {id}\nid: {id}\nlevel: {level}\nlogsource: {{category: proxy}}\n\
                 detection: {{s: {{{item}}}, condition: s}}\n"
            );
            let parsed = sigma::parse(&sigma::Source::new("x.yml", &text));
            compiler.add(&parsed.rules[0]).unwrap();
        }
        Pack::decode(&compiler.finish().encode()).unwrap()
    }

    #[test]
    fn rules_are_added_removed_and_changed() {
        const A: &str = "0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d01";
        const B: &str = "0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d02";
        const C: &str = "0f9f0e0e-6d0c-4c3c-8f43-5a6b8f3f0d03";
        let old = || pack(&[(A, "high", "cs-host: a.example"), (B, "low", "cs-host: b.example")]);
        let of = |new| {
            let differences = difference(&old(), &new).into_iter();
            differences.map(|it| (it.id, it.change)).collect::<Vec<_>>()
        };
        assert_eq!(of(old()), []);
        // Another order and other rules beside it change nothing about a rule.
        let moved = [
            (C, "high", "cs-host: c.example"),
            (B, "low", "cs-host: b.example"),
            (A, "high", "cs-host: a.example"),
        ];
        assert_eq!(of(pack(&moved)), [(C.to_owned(), Change::Added)]);
        for (changed, expect) in [
            ((A, "low", "cs-host: a.example"), vec!["level"]),
            ((A, "high", "cs-host: aa.example"), vec!["condition"]),
            ((A, "high", "cs-host|endswith: a.example"), vec!["condition"]),
            ((A, "high", "r-dns: a.example"), vec!["condition"]),
            ((A, "low", "sc-status: 200"), vec!["condition", "level", "phase"]),
        ] {
            let expect = [(A.to_owned(), Change::Changed(expect)), (B.to_owned(), Change::Removed)];
            assert_eq!(of(pack(&[changed])), expect);
        }
    }
}
