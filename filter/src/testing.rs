//! Packs for tests.

use inspect::Pack;

/// A pack with one rule, id `6b3e1d1c-0000-4000-8000-000000000001`, that has one detection item.
pub(crate) fn pack_of(item: &str) -> Vec<u8> {
    pack_of_rules(&[item])
}

/// A pack with a rule per detection item, the last digits of their ids counting from 1.
pub(crate) fn pack_of_rules(items: &[&str]) -> Vec<u8> {
    let mut compiler = sigma::Compiler::new("test", 7);
    for (idx, item) in items.iter().enumerate() {
        let text = format!(
            "title: Rule {number}\n\
             id: 6b3e1d1c-0000-4000-8000-{number:012}\n\
             author: A. Author\n\
             level: high\n\
             tags:\n    - attack.command-and-control\n    - attack.t1102.002\n\
             logsource:\n    category: proxy\n\
             detection:\n    selection:\n        {item}\n    condition: selection\n",
            number = idx + 1,
        );
        let parsed = sigma::parse(&sigma::Source::new("test.yml", &text));
        assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
        for rule in &parsed.rules {
            compiler.add(rule).unwrap();
        }
    }
    compiler.finish().encode()
}

/// The pack of [`pack_of`], at work.
pub(crate) fn decoded(item: &str) -> Pack {
    Pack::decode(&pack_of(item)).unwrap()
}
