//! What stands between the first two `---` lines of a note.

use diagnostics::{Findings, Lines, Span, number};
use gray_matter::engine::YAML;
use gray_matter::{Matter, Pod};

use crate::codes;
use crate::limits::MAX_FRONT_MATTER_BYTES;

/// The kinds of notes.
pub const KINDS: &[&str] = &["rule"];

/// The keys of a rule note, each required.
const KEYS: &[&str] = &["kind", "services"];

/// A note's front matter.
#[derive(Clone, Debug)]
pub(super) struct FrontMatter {
    /// One of [`KINDS`]; `None` where it is none of them, which was told.
    pub(super) kind: Option<&'static str>,
    /// The services.
    pub(super) services: Vec<String>,
    /// Where the note goes on, as a byte offset.
    pub(super) end: usize,
}

impl FrontMatter {
    /// Reads the front matter of a note; `None` where there is none.
    ///
    /// `gray_matter` takes a missing front matter for an empty one, and an unclosed one for none: so the
    /// two lines are looked for here.
    pub(super) fn read(text: &str, findings: &mut Findings) -> Option<FrontMatter> {
        let top = Span::point(1, 1);
        let mut lines = text.split_inclusive('\n');
        let first = lines.next().unwrap_or_default();
        if first.trim_end() != "---" {
            let message = "the note does not begin with front matter";
            let help = "begin the file with a line `---`, `kind: rule`, `services: []` and another line `---`";
            findings.add(&codes::NO_FRONT_MATTER, top, message, help);
            return None;
        }
        let mut end = first.len();
        let closed = lines.any(|line| {
            end += line.len();
            line.trim_end() == "---"
        });
        if !closed {
            let span = Span { end_column: 4, ..top };
            let message = "the front matter is not closed";
            let help = "write a line `---` behind its last key";
            findings.add(&codes::UNCLOSED_FRONT_MATTER, span, message, help);
            return None;
        }
        let head = text.get(..end).unwrap_or_default();
        let unread = FrontMatter { kind: None, services: Vec::new(), end };
        if head.len() > MAX_FRONT_MATTER_BYTES {
            let message = format!("the front matter is larger than {MAX_FRONT_MATTER_BYTES} bytes");
            findings.add(
                &codes::BROKEN_FRONT_MATTER,
                top,
                message,
                "move text into the note's body",
            );
            return Some(unread);
        }
        match Matter::<YAML>::new().parse::<Pod>(head) {
            Ok(parsed) => Some(Reader { head, findings }.keys(parsed.data, end)),
            Err(error) => {
                let (message, span) = yaml_error(head, &error.to_string());
                let help = "write a YAML map, as `kind: rule`";
                findings.add(&codes::BROKEN_FRONT_MATTER, span, message, help);
                Some(unread)
            }
        }
    }
}

struct Reader<'t, 'f> {
    head: &'t str,
    findings: &'f mut Findings,
}

impl Reader<'_, '_> {
    fn keys(&mut self, data: Option<Pod>, end: usize) -> FrontMatter {
        let map = match data {
            Some(Pod::Hash(map)) => map,
            None => std::collections::HashMap::default(),
            Some(_) => {
                let message = "the front matter is not a map";
                let help = "write keys and values, as `kind: rule`";
                self.findings.add(&codes::BROKEN_FRONT_MATTER, Span::point(2, 1), message, help);
                return FrontMatter { kind: None, services: Vec::new(), end };
            }
        };
        let mut unknown: Vec<_> = map.keys().filter(|key| !KEYS.contains(&key.as_str())).collect();
        unknown.sort_unstable();
        for key in unknown {
            let closest = KEYS
                .iter()
                .max_by(|left, right| strsim::jaro(left, key).total_cmp(&strsim::jaro(right, key)));
            let help = match closest {
                Some(closest) if strsim::jaro(closest, key) > 0.7 => {
                    format!("did you mean `{closest}`?")
                }
                _ => format!("a rule note has the keys `{}`", KEYS.join("`, `")),
            };
            let span = self.key(key);
            self.findings.add(&codes::UNKNOWN_KEY, span, format!("unknown key `{key}`"), help);
        }
        let kind = self.kind(map.get("kind"));
        let services = self.services(map.get("services"));
        FrontMatter { kind, services, end }
    }

    fn kind(&mut self, value: Option<&Pod>) -> Option<&'static str> {
        let message = match value {
            None | Some(Pod::Null) => {
                "the front matter does not say which `kind` of note this is".to_owned()
            }
            Some(Pod::String(kind)) => match KINDS.iter().find(|known| *known == kind) {
                Some(known) => return Some(known),
                None => format!("there is no kind of note `{}`", kind.escape_debug()),
            },
            Some(_) => "the `kind` of a note is a word".to_owned(),
        };
        let help = format!("write `kind: {}`", KINDS.join("` or `kind: "));
        let span = self.key("kind");
        self.findings.add(&codes::WRONG_KEY, span, message, help);
        None
    }

    fn services(&mut self, value: Option<&Pod>) -> Vec<String> {
        let mut services = Vec::new();
        let message = match value {
            None => "the front matter does not say which `services` the rule is about",
            Some(Pod::Array(list)) => {
                let names = list.iter().filter_map(|item| match item {
                    Pod::String(name) if !name.trim().is_empty() => Some(name.clone()),
                    _ => None,
                });
                services.extend(names);
                if services.len() == list.len() {
                    return services;
                }
                "`services` holds something that is no name"
            }
            Some(_) => "`services` is not a list",
        };
        let help = "write a list of names, as `services: [Telegram]`, or `services: []`";
        let span = self.key("services");
        self.findings.add(&codes::WRONG_KEY, span, message, help);
        services
    }

    /// The place of a key; of the front matter's first line where it has none.
    fn key(&self, key: &str) -> Span {
        let of_key = |line: &str| {
            let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        };
        let line_idx = self.head.lines().position(of_key);
        line_idx.map_or(Span::point(1, 1), |line_idx| {
            let line = number(line_idx + 1);
            let end_column = number(key.chars().count() + 1);
            Span { line, column: 1, end_line: line, end_column }
        })
    }
}

/// Takes the place out of the YAML parser's message: `... at byte 12 line 3 column 4`, counted from
/// where the front matter's text starts behind white space.
fn yaml_error(head: &str, error: &str) -> (String, Span) {
    let number_behind = |word: &str| {
        let rest = error.rsplit_once(word)?.1.trim_start();
        rest.split(|char: char| !char.is_ascii_digit()).next()?.parse::<usize>().ok()
    };
    let message = error.split(" at byte ").next().unwrap_or(error);
    let message = message.trim_start_matches("Deserialize error: ").replace('\n', " ");
    let message = format!("the front matter is not YAML: {message}");
    let (Some(line), Some(column)) = (number_behind(" line "), number_behind(" column ")) else {
        return (message, Span::point(2, 1));
    };
    let body = head.split_once('\n').map_or("", |(_, rest)| rest);
    let n_before = body.len() - body.trim_start().len();
    let n_lines_before = body.get(..n_before).unwrap_or_default().matches('\n').count();
    let n_lines = Lines::new(head).n_lines();
    let line = number(1 + n_lines_before + line).min(n_lines);
    (message, Span::point(line, number(column + 1)))
}
