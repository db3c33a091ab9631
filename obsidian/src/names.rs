//! Titles to file names that every system, Obsidian and its links take.

use std::collections::{BTreeMap, BTreeSet};

/// Longest name without its extension, in bytes; longer titles are cut.
pub const MAX_NAME_BYTES: usize = 160;

/// Names that Windows keeps for devices.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// A legal name near a title: never empty, no path, no character that systems or links forbid.
pub fn legal(title: &str) -> String {
    let mut name = String::new();
    for character in title.chars() {
        match character {
            ':' => name.push_str(" -"),
            '/' | '\\' => name.push('-'),
            '"' => name.push('\''),
            '<'
            | '>'
            | '|'
            | '?'
            | '*'
            | '#'
            | '^'
            | '['
            | ']'
            | '%'
            | '`'
            | '$'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => name.push(' '),
            other if other.is_control() || is_combining(other) => name.push(' '),
            other => name.push(other),
        }
    }
    let mut name = name.split_whitespace().collect::<Vec<_>>().join(" ").replace(" - - ", " - ");
    while name.len() > MAX_NAME_BYTES {
        name.pop();
    }
    let name = name.trim_matches([' ', '.', '-', '=']).to_owned();
    let stem = name.split('.').next().unwrap_or_default().trim().to_lowercase();
    match name.as_str() {
        "" => "untitled".to_owned(),
        _ if DEVICES.contains(&stem.as_str()) => format!("_{name}"),
        _ => name,
    }
}

/// Combining marks: the same letter has two spellings with them. Titles use the composed ones.
fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Returns true if a name can be used unchanged.
pub fn is_legal(name: &str) -> bool {
    legal(name) == name
}

/// The name that a page asks for: its id, its folder, its title, and what distinguishes it from others.
#[derive(Clone, Debug)]
pub struct PageName {
    /// The page's id.
    pub id: String,
    /// The folder, without a slash at the end.
    pub folder: String,
    /// The title.
    pub title: String,
    /// What is added where another page wants the same, in order.
    pub apart: Vec<String>,
}

/// Gives every page a path, unique in the vault also where case does not matter.
///
/// A page that is there keeps its path (`kept`: id to path), also where a person renamed it; `taken` are
/// the paths of other people's files. Among pages that want one name, the first in the order of `names`
/// gets it.
pub fn assign(
    names: &[PageName],
    kept: &BTreeMap<String, String>,
    taken: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let stem =
        |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".md").to_lowercase();
    let mut used: BTreeSet<String> = taken.iter().map(|path| stem(path)).collect();
    let mut paths = BTreeMap::new();
    for page in names {
        if let Some(path) = kept.get(&page.id) {
            used.insert(stem(path));
            paths.insert(page.id.clone(), path.clone());
        }
    }
    for page in names {
        if paths.contains_key(&page.id) {
            continue;
        }
        let base = legal(&page.title);
        let mut candidates = vec![base.clone()];
        let mut longer = base.clone();
        for apart in &page.apart {
            longer = legal(&format!("{longer} ({apart})"));
            candidates.push(longer.clone());
        }
        let free = candidates.into_iter().find(|name| !used.contains(&name.to_lowercase()));
        let name = free.unwrap_or_else(|| {
            // Everything that sets them apart is the same: a number does.
            let numbered = (2_usize..).map(|number| format!("{base} ({number})"));
            numbered.into_iter().find(|name| !used.contains(&name.to_lowercase())).unwrap_or(base)
        });
        used.insert(name.to_lowercase());
        paths.insert(
            page.id.clone(),
            format!("{}/{name}.md", page.folder).trim_start_matches('/').to_owned(),
        );
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_legal_names() {
        for (title, expect) in [
            ("T1102.002: Web Service: Bidirectional", "T1102.002 - Web Service - Bidirectional"),
            ("../../etc/passwd", "etc-passwd"),
            ("CON", "_CON"),
            ("con.yml", "_con.yml"),
            ("a]]|b#c^d", "a b c d"),
            ("`$= x`", "x"),
            ("x.", "x"),
            (" . ", "untitled"),
            ("<script>alert(1)</script>", "script alert(1) -script"),
            ("100%% sure", "100 sure"),
            ("tab\tnul\0", "tab nul"),
            ("Überblick", "Überblick"),
        ] {
            assert_eq!(legal(title), expect, "{title}");
            assert!(is_legal(&legal(title)), "{title}");
        }
        assert!(legal(&"ä".repeat(500)).len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn names_are_unique_where_case_does_not_matter_and_pages_keep_theirs() {
        let name_of = |id: &str, title: &str| PageName {
            id: id.into(),
            folder: "R".into(),
            title: title.into(),
            apart: vec!["Sigma".into()],
        };
        let names = [
            name_of("1", "A"),
            name_of("2", "a"),
            name_of("3", "a"),
            name_of("4", "B"),
            name_of("5", "moved"),
        ];
        let kept = BTreeMap::from([("5".to_owned(), "Mine/b.md".to_owned())]);
        let taken = BTreeSet::from(["X/c.md".to_owned()]);
        let paths = assign(&names, &kept, &taken);
        let paths: Vec<_> = paths.values().map(String::as_str).collect();
        assert_eq!(
            paths,
            ["R/A.md", "R/a (Sigma).md", "R/a (2).md", "R/B (Sigma).md", "Mine/b.md"]
        );
    }
}
