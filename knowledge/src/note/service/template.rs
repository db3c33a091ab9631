//! Templates of URLs in service notes, as text.
//!
//! A template is a host and path segments. `{name}` is a place: `secret`, `token` and `key` name
//! credentials, `{commit}` is the hash of a commit, every other name is part of the identity. In a host
//! `{name:label}` is one label. `*` is any text of a segment, and one label of a host. `(a|b)` is one of several texts: a template for each. Parameters of a query follow `?`, in any
//! order. The path may go on after a template. Text and places alternate, so that there is one way to read
//! a URL.

use inspect::pack::PartKind;

/// The names of places that contain credentials.
pub const SECRETS: &[&str] = &["secret", "token", "key"];

/// The name of places that contain the hash of a commit, and belong to no identity.
const COMMIT: &str = "commit";

/// Behind the name of a place in a host: it is one label.
const LABEL: &str = ":label";

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePart {
    /// What it is.
    pub kind: PartKind,
    /// The text that is required there, or the name of the place.
    pub text: String,
}

/// The name under which the host of a template is looked up: the text after its last place.
pub(crate) fn lookup_name(template: &[TemplatePart]) -> &str {
    let host = template.split(|part| part.kind == PartKind::Slash).next().unwrap_or_default();
    match host {
        [TemplatePart { kind: PartKind::Text, text }] => text,
        [.., TemplatePart { kind: PartKind::Text, text }] => {
            text.split_once('.').map_or("", |(_, name)| name)
        }
        _ => "",
    }
}

/// Most templates that the alternatives of one may make.
const MAX_ALTERNATIVES: usize = 512;

/// A template's text for each of its alternatives: `a.(b|c).example/{x}` is `a.b.example/{x}` and
/// `a.c.example/{x}`.
pub(super) fn alternatives(text: &str) -> Result<Vec<String>, &'static str> {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('(') {
        let (choices, behind) = behind.split_once(')').ok_or("a `(` is not closed")?;
        let choices: Vec<&str> = choices.split('|').collect();
        if choices.contains(&"") {
            return Err("one of several texts is empty");
        }
        if texts.len() * choices.len() > MAX_ALTERNATIVES {
            return Err("the template has too many alternatives");
        }
        let grow = |text: &String| -> Vec<String> {
            choices.iter().map(|choice| format!("{text}{before}{choice}")).collect()
        };
        texts = texts.iter().flat_map(grow).collect();
        rest = behind;
    }
    for text in &mut texts {
        text.push_str(rest);
    }
    Ok(texts)
}

/// Reads a template of a URL: a host, and perhaps a path and a query.
pub(super) fn template(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let parts = parts(text)?;
    let has_place =
        parts.iter().any(|part| part.kind.is_identity() || part.kind == PartKind::Secret);
    if !has_place {
        return Err("the template names no place");
    }
    if !lookup_name(&parts).contains('.') {
        return Err("the template's host does not end in a domain");
    }
    Ok(parts)
}

/// Reads a template of URLs where anybody may put something.
pub(super) fn public(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let parts = parts(text)?;
    let has_place =
        parts.iter().any(|part| part.kind.is_identity() || part.kind == PartKind::Secret);
    if has_place {
        return Err("a public template names no tenant: write `*` for one");
    }
    if !parts.iter().any(|part| matches!(part.kind, PartKind::Slash | PartKind::Query)) {
        return Err("a public template has no path");
    }
    if !lookup_name(&parts).contains('.') {
        return Err("the template's host does not end in a domain");
    }
    Ok(parts)
}

/// The name of the namespace of a template's tenants: its host behind the last place, and its path up to the
/// first place of the identity or of a credential, as `hooks.slack.com/services`.
pub(super) fn namespace(parts: &[TemplatePart]) -> String {
    let at = parts.iter().position(|part| part.kind == PartKind::Slash).unwrap_or(parts.len());
    let path = parts.get(at..).unwrap_or_default();
    let mut name = lookup_name(parts).to_owned();
    for part in path {
        match part.kind {
            PartKind::Text => name.push_str(&part.text),
            PartKind::Any | PartKind::Commit => name.push('*'),
            PartKind::Slash => name.push('/'),
            PartKind::Query => name.push('?'),
            PartKind::Identity | PartKind::Label | PartKind::Secret | PartKind::Namespace => break,
        }
    }
    name.trim_end_matches(['/', '?']).to_owned()
}

/// Reads a host of a service that contains `*`.
pub(super) fn host(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let parts = parts(text)?;
    if !parts.iter().all(|part| matches!(part.kind, PartKind::Text | PartKind::Any)) {
        return Err("a host has neither places nor a path");
    }
    if !lookup_name(&parts).contains('.') {
        return Err("the host does not end in a domain");
    }
    Ok(parts)
}

/// Reads a path and its query. A slash at the end means what lies below, as the path may go on after any
/// template.
pub(super) fn path(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    if !text.starts_with('/') {
        return Err("the path does not begin with `/`");
    }
    let (stem, query) = match text.split_once('?') {
        Some((stem, query)) => (stem, Some(query)),
        None => (text, None),
    };
    let stem = stem.trim_end_matches('/');
    let text = match query {
        Some(query) => format!("{stem}?{query}"),
        None => stem.to_owned(),
    };
    parts(&text)
}

const ONLY_IN_HOSTS: &str = "only a place of a host may be a label: write `{name}`";

/// Cuts a template at its slashes, and its query at `?` and `&`.
fn parts(text: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let (url, query) = match text.split_once('?') {
        Some((url, query)) => (url, Some(query)),
        None => (text, None),
    };
    let mut parts: Vec<TemplatePart> = Vec::new();
    let end = |kind| TemplatePart { kind, text: String::new() };
    for (idx, segment) in url.split('/').enumerate() {
        if idx > 0 {
            parts.push(end(PartKind::Slash));
        }
        let segment_parts =
            if idx == 0 { piece(&segment.to_ascii_lowercase())? } else { piece(segment)? };
        if idx > 0 && segment_parts.iter().any(|part| part.kind == PartKind::Label) {
            return Err(ONLY_IN_HOSTS);
        }
        parts.extend(segment_parts);
    }
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        if parameter.is_empty() {
            return Err("a parameter of the query is empty");
        }
        parts.push(end(PartKind::Query));
        let parameter_parts = piece(parameter.strip_suffix('=').unwrap_or(parameter))?;
        if parameter_parts.iter().any(|part| part.kind == PartKind::Label) {
            return Err(ONLY_IN_HOSTS);
        }
        parts.extend(parameter_parts);
    }
    Ok(parts)
}

/// Reads a host, a segment of a path or a parameter of a query: text and places that alternate.
fn piece(piece: &str) -> Result<Vec<TemplatePart>, &'static str> {
    let mut parts: Vec<TemplatePart> = Vec::new();
    let mut rest = piece;
    while !rest.is_empty() {
        let at = rest.find(['{', '*']).unwrap_or(rest.len());
        let (before, behind) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(TemplatePart { kind: PartKind::Text, text: before.to_owned() });
        }
        rest = behind;
        let part = if let Some(behind) = rest.strip_prefix('*') {
            rest = behind;
            TemplatePart { kind: PartKind::Any, text: "*".into() }
        } else if let Some(behind) = rest.strip_prefix('{') {
            let Some((name, behind)) = behind.split_once('}') else {
                return Err("a `{` is not closed");
            };
            let (name, is_label) = match name.strip_suffix(LABEL) {
                Some(name) => (name, true),
                None => (name, false),
            };
            let word = |char: char| char.is_ascii_lowercase() || char == '_';
            if name.is_empty() || !name.chars().all(word) {
                return Err("the name of a place must consist of small letters");
            }
            rest = behind;
            let kind = match name {
                name if is_label && (name == COMMIT || SECRETS.contains(&name)) => {
                    return Err("a credential or a commit is no label of a host");
                }
                _ if is_label => PartKind::Label,
                COMMIT => PartKind::Commit,
                name if SECRETS.contains(&name) => PartKind::Secret,
                _ => PartKind::Identity,
            };
            TemplatePart { kind, text: name.to_owned() }
        } else {
            continue;
        };
        let is_place = |part: &TemplatePart| part.kind != PartKind::Text;
        if before.is_empty() && parts.last().is_some_and(is_place) {
            return Err("a segment has two adjacent placeholders");
        }
        parts.push(part);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_are_templates_of_their_own() {
        let texts = alternatives("{x}.(a|b).(c|d).example/(e)").unwrap();
        assert_eq!(
            texts,
            ["{x}.a.c", "{x}.a.d", "{x}.b.c", "{x}.b.d"].map(|text| format!("{text}.example/e"))
        );
        assert_eq!(alternatives("a.example/{x}").unwrap(), ["a.example/{x}"]);
        for (text, expect) in [
            ("(a|b.example/{x}", "a `(` is not closed"),
            ("(a|).example/{x}", "one of several texts is empty"),
            (&"(a|b)".repeat(10), "the template has too many alternatives"),
        ] {
            assert_eq!(alternatives(text).unwrap_err(), expect, "{text}");
        }
    }

    #[test]
    fn templates_are_text_and_places() {
        let shown = |text: &str| {
            template(text).map(|parts| {
                let part = |part: &TemplatePart| format!("{:?}:{}", part.kind, part.text);
                parts.iter().map(part).collect::<Vec<_>>().join(" ")
            })
        };
        assert_eq!(
            shown("API.a.example/bot{bot}:{token}").unwrap(),
            "Text:api.a.example Slash: Text:bot Identity:bot Text:: Secret:token"
        );
        assert_eq!(
            shown("{x}.a.example/*/y").unwrap(),
            "Identity:x Text:.a.example Slash: Any:* Slash: Text:y"
        );
        assert_eq!(shown("{x:label}.a.example").unwrap(), "Label:x Text:.a.example");
        for (text, expect) in [
            ("a.example/{x", "a `{` is not closed"),
            ("a.example/{x}{y}", "a segment has two adjacent placeholders"),
            ("a.example/{X}", "the name of a place must consist of small letters"),
            ("a.example/x", "the template names no place"),
            ("a.example/{x:label}", ONLY_IN_HOSTS),
            ("a.example/x?y={x:label}", ONLY_IN_HOSTS),
            ("{x:other}.a.example", "the name of a place must consist of small letters"),
            ("{key:label}.a.example", "a credential or a commit is no label of a host"),
            ("{x}/y", "the template's host does not end in a domain"),
        ] {
            assert_eq!(shown(text).unwrap_err(), expect, "{text}");
        }
    }
}
