//! A part of a note: its heading, its list items, its counts, its text.

/// A section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading's level; 0 for text in front of the first.
    pub level: usize,
    /// The heading's Markdown, without its signs.
    pub heading: String,
    /// The heading's text, without its link.
    pub title: String,
    /// Where the heading leads to.
    pub url: Option<String>,
    /// The heading's line.
    pub line: usize,
    /// `Last accessed`, as `YYYY-MM-DD` where it can be read.
    pub last_accessed: Option<String>,
    /// How many resources the source has in all.
    pub total: Option<usize>,
    /// How many items the section says it lists, and where.
    pub declared: Option<(usize, usize)>,
    /// The items, in order.
    pub items: Vec<Item>,
    /// Everything below the heading, unchanged.
    pub text: String,
}

/// A list item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its line.
    pub line: usize,
    /// What it says, without markup.
    pub title: String,
    /// Its last link.
    pub url: Option<String>,
    /// Whether its markup is broken.
    pub malformed: bool,
}

/// Splits a text at its headings, leaving fenced blocks alone.
pub fn split(text: &str, first_line: usize) -> Vec<Section> {
    let mut sections = vec![Section { line: first_line, ..Section::default() }];
    let mut fence: Option<String> = None;
    for (idx, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let marker: String = trimmed.chars().take_while(|c| matches!(c, '`' | '~')).collect();
        match &fence {
            Some(open)
                if marker.starts_with(open.as_str())
                    && trimmed.trim_end().len() == marker.len() =>
            {
                fence = None;
            }
            None if marker.len() >= 3 => fence = Some(marker),
            _ => {}
        }
        let level = line.chars().take_while(|c| *c == '#').count();
        let is_heading = fence.is_none()
            && (1..=6).contains(&level)
            && line.get(level..).is_some_and(|rest| rest.starts_with(' '));
        if is_heading {
            let heading = line.get(level..).unwrap_or_default().trim();
            let (title, url) =
                link(heading).map_or((heading.to_owned(), None), |(title, url)| (title, Some(url)));
            sections.push(Section {
                level,
                heading: heading.to_owned(),
                title,
                url,
                line: first_line + idx,
                ..Section::default()
            });
        } else if let Some(section) = sections.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
            if fence.is_none() {
                section.items.extend(item(line, first_line + idx));
            }
        }
    }
    sections.retain(|section| section.level > 0 || !section.text.trim().is_empty());
    sections
}

/// The list item that a line is.
fn item(line: &str, number: usize) -> Option<Item> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("* ").or_else(|| rest.strip_prefix("- "))?;
    let malformed = rest.starts_with("* ") || rest.matches("**").count() % 2 == 1;
    let rest = rest.trim_start_matches("* ");
    let (mut title, mut url) = (String::new(), None);
    let mut open = rest;
    while let Some(start) = open.find('[') {
        let Some((text, address, length)) = link_at(open.get(start..).unwrap_or_default()) else {
            break;
        };
        title.push_str(open.get(..start).unwrap_or_default());
        title.push_str(text);
        url = Some(address.to_owned());
        open = open.get(start + length..).unwrap_or_default();
    }
    title.push_str(open);
    let title = title.replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ");
    Some(Item { line: number, title, url, malformed })
}

/// A link at the start: its text, its address, and how long it is.
fn link_at(text: &str) -> Option<(&str, &str, usize)> {
    let end = text.find("](")?;
    let address = text.get(end + 2..)?;
    let mut depth = 1_usize;
    for (at, character) in address.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((text.get(1..end)?, address.get(..at)?, end + 2 + at + 1));
        }
    }
    None
}

/// The first link of a text.
pub fn link(text: &str) -> Option<(String, String)> {
    let start = text.find('[')?;
    let (title, url, _) = link_at(text.get(start..)?)?;
    Some((title.to_owned(), url.to_owned()))
}

/// `April 27, 2022` as `2022-04-27`.
pub fn long_date(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let cleaned = text.replace(',', " ").to_lowercase();
    let mut words = cleaned.split_whitespace();
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let day: u32 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year: u32 = words.next()?.parse().ok().filter(|year| (1990..2200).contains(year))?;
    Some(format!("{year}-{month:02}-{day:02}"))
}
