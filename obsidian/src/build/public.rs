//! What public collections and catalogues have for a technique, where facts of them are there and not their
//! texts: titles, authors, licences, links, counts.

use std::fmt::Write;

use catalogue::Collection;
use catalogue::facts::{Facts, Listing, RuleFact, TestFact};

use crate::guide::counted;
use crate::prose::{address, code, inline};

use super::{Builder, table};

impl Builder<'_> {
    /// Facts about a vendor's rules; none where a copy of the rules was read, which says more.
    fn facts_of(&self, vendor: Collection) -> impl Iterator<Item = &Facts> {
        let is_read = self.sources.rules.iter().any(|rule| rule.vendor == vendor);
        let facts = self.sources.facts.iter().filter(move |_| !is_read);
        facts.filter(move |facts| facts.vendor() == Some(vendor))
    }

    /// Rules of a vendor that name a technique or one of its sub-techniques, of which facts are there.
    pub(super) fn public_rules(
        &self,
        vendor: Collection,
        technique: &str,
    ) -> Vec<(&Facts, &RuleFact)> {
        let mut found = Vec::new();
        for facts in self.facts_of(vendor) {
            let rules = facts
                .rules
                .iter()
                .filter(|rule| rule.techniques.iter().any(|named| is_within(named, technique)));
            found.extend(rules.map(|rule| (facts, rule)));
        }
        found
    }

    /// How many there are of all vendors.
    pub(super) fn n_public_rules(&self, technique: &str) -> usize {
        let vendors = self.vendors().into_iter();
        vendors.map(|vendor| self.public_rules(vendor, technique).len()).sum()
    }

    /// Tests of a technique, of which facts are there.
    pub(super) fn public_tests(&self, technique: &str) -> Vec<(&Facts, &TestFact)> {
        if !self.sources.tests.is_empty() {
            return Vec::new();
        }
        let of = |facts: &'_ Facts| {
            facts.tests.iter().filter(|it| is_within(&it.technique, technique)).count()
        };
        let with = self.sources.facts.iter().filter(|facts| of(facts) > 0);
        with.flat_map(|facts| {
            let tests = facts.tests.iter().filter(|it| is_within(&it.technique, technique));
            tests.map(move |test| (facts, test))
        })
        .collect()
    }
}

/// Returns true if an id is a technique's or one of its sub-techniques'.
fn is_within(id: &str, technique: &str) -> bool {
    id.strip_prefix(technique).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// One rule as an item of a list.
pub(super) fn rule_item(facts: &Facts, rule: &RuleFact) -> String {
    let title = inline(&rule.title);
    let linked = address(&facts.address(&rule.path)).map(|url| format!("[{title}]({url})"));
    let licence = if rule.licence.is_empty() { &facts.source.licence } else { &rule.licence };
    let author = if rule.author.is_empty() { "an unknown author" } else { &rule.author };
    let rated: Vec<&str> =
        [rule.level.as_str(), &rule.status].into_iter().filter(|word| !word.is_empty()).collect();
    let rated = match rated.as_slice() {
        [] => String::new(),
        words => format!(" ({})", inline(&words.join(", "))),
    };
    format!("- {}{rated} by {}, {}", linked.unwrap_or(title), inline(author), inline(licence))
}

/// Tests of Atomic Red Team by number, GUID and link; empty without facts of them.
pub(super) fn tests(builder: &Builder<'_>, id: &str) -> String {
    let found = builder.public_tests(id);
    let Some((first, _)) = found.first() else { return String::new() };
    let source = &first.source;
    let mut text = format!(
        "### Tests of {}\n\n{} of its {} for {}, as of {}, {}:\n\n",
        inline(&source.collection),
        counted(found.len(), "test"),
        source.total,
        id,
        source.date,
        inline(&source.licence)
    );
    for (facts, test) in &found {
        let name = format!("#{} {}", test.number, test.name);
        let url = address(&facts.test_address(test));
        let name = inline(&name);
        let linked = url.map_or(name.clone(), |url| format!("[{name}]({url})"));
        let of = if test.technique == id { String::new() } else { format!("{}, ", test.technique) };
        let _ = writeln!(
            text,
            "- {linked} ({of}{}), GUID {}",
            inline(&test.platforms.join(", ")),
            code(&test.guid)
        );
    }
    text
}

/// Where facts of a technique come from, and how much each source has; empty without facts.
pub(super) fn sources(builder: &Builder<'_>, id: &str) -> String {
    let mut rows = Vec::new();
    for facts in &builder.sources.facts {
        let source = &facts.source;
        let n_here = match facts.vendor() {
            Some(vendor) => builder.public_rules(vendor, id).len(),
            None if !facts.tests.is_empty() => builder.public_tests(id).len(),
            None if !facts.countermeasures.is_empty() => {
                builder.sources.d3fend.for_technique(id).len()
            }
            None => continue,
        };
        let name = inline(&source.collection);
        let link = |text: &str, url: &str| {
            address(url).map_or(text.to_owned(), |url| format!("[{text}]({url})"))
        };
        rows.push(vec![
            link(&name, &source.url),
            source.date.clone(),
            code(&short(&source.version)),
            source.total.to_string(),
            n_here.to_string(),
            link(&inline(&source.licence), &source.licence_url),
        ]);
    }
    if rows.is_empty() {
        return String::new();
    }
    let columns =
        ["Source", "As of", "Version", "For ATT&CK in all", "For this technique", "Licence"];
    format!("### Public sources\n\n{}", table(&columns, &rows))
}

/// The first digits of a commit.
fn short(version: &str) -> String {
    let is_commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    let end = if is_commit { 12 } else { version.len() };
    version.get(..end).unwrap_or(version).to_owned()
}

/// What catalogues of others listed for a technique, each with its day; empty without facts of them.
pub(super) fn listings(builder: &Builder<'_>, id: &str) -> String {
    let all = builder.sources.facts.iter().flat_map(|facts| &facts.listings);
    let mut text = String::new();
    for listing in all.filter(|listing| listing.technique == id) {
        text.push_str(&listed(builder, listing));
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "### What others listed for it\n\nDays, counts and links are theirs, of that day: some of the links have moved since.\n\n{text}"
    )
}

fn listed(builder: &Builder<'_>, listing: &Listing) -> String {
    let heading = inline(&listing.heading);
    let heading =
        address(&listing.url).map_or(heading.clone(), |url| format!("[{heading}]({url})"));
    let mut text = format!("#### {}: {heading}\n\n", inline(&listing.catalogue));
    let mut facts = Vec::new();
    if !listing.date.is_empty() {
        facts.push(format!("as of {}", listing.date));
    }
    let n_listed = listing.items.len();
    match (listing.declared, listing.total) {
        (Some(declared), Some(total)) => facts.push(format!("{declared} of {total} in all")),
        (Some(declared), None) if n_listed == 0 => facts.push(format!("{declared} counted there")),
        (Some(declared), None) => facts.push(format!("{declared} in all")),
        (None, _) => {}
    }
    if n_listed > 0 && listing.declared.is_none_or(|declared| declared != n_listed) {
        facts.push(format!("{n_listed} listed"));
    }
    let line = facts.join(", ");
    let mut first = line.chars();
    let capital: String = first.next().into_iter().flat_map(char::to_uppercase).collect();
    let _ = writeln!(text, "{capital}{}.\n", first.as_str());
    for (title, url) in &listing.items {
        let shown = inline(title);
        let linked = address(url).map(|url| format!("[{shown}]({url})"));
        let page = builder.countermeasure_named(title).map(|page| format!(": {page}"));
        let _ = writeln!(text, "- {}{}", linked.unwrap_or(shown), page.unwrap_or_default());
    }
    if !listing.items.is_empty() {
        text.push('\n');
    }
    let links: Vec<String> = listing
        .links
        .iter()
        .filter_map(|(title, url)| Some(format!("[{}]({})", inline(title), address(url)?)))
        .collect();
    if !links.is_empty() {
        let _ = writeln!(text, "Also linked there: {}.\n", links.join(", "));
    }
    text
}

impl Builder<'_> {
    /// A link to the countermeasure of this name.
    fn countermeasure_named(&self, name: &str) -> Option<String> {
        let mut all = self.sources.d3fend.countermeasures.values();
        let found = all.find(|it| it.name == name)?;
        let id = format!("countermeasure/{}", found.id);
        self.paths.contains_key(&id).then(|| self.link(&id, &found.id))
    }
}
