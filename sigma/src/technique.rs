//! The ids of ATT&CK's techniques.

/// Reads a technique's id in any of its spellings, as `attack.t1102.002` or `T1102_002`, and returns it as
/// `T1102.002`.
pub fn technique_id(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("attack.").unwrap_or(text);
    let digits = text.strip_prefix(['t', 'T'])?;
    let (main, sub) = match digits.split_once(['.', '_', '/']) {
        Some((main, sub)) => (main, Some(sub)),
        None => (digits, None),
    };
    let number = |text: &str, n_digits| {
        text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match sub {
        None if number(main, 4) => Some(format!("T{main}")),
        Some(sub) if number(main, 4) && number(sub, 3) => Some(format!("T{main}.{sub}")),
        _ => None,
    }
}

/// Returns the techniques that a text names, in any spelling and at any place, each once and in order:
/// `T1102.002`, `t1102_002`, `T1102-002`, `T1102002`, `attack/T1102/002`, `#T1102_002`.
pub fn techniques_in(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = None;
    for (at, character) in text.char_indices() {
        // `AML.T0051` is one of ATLAS.
        let is_of_atlas =
            at >= 4 && text.get(at - 4..at).is_some_and(|it| it.eq_ignore_ascii_case("AML."));
        let is_start = !before.is_some_and(char::is_alphanumeric) && !is_of_atlas;
        before = Some(character);
        if !is_start || !matches!(character, 't' | 'T') {
            continue;
        }
        if let Some(id) = technique_at(text.get(at + 1..).unwrap_or_default())
            && !found.contains(&id)
        {
            found.push(id);
        }
    }
    found
}

/// The technique whose digits a text starts with. ATT&CK's numbers start with 0 (ICS) or 1.
fn technique_at(text: &str) -> Option<String> {
    let digits = |from: usize, n_digits: usize| {
        let part = text.get(from..from + n_digits)?;
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
        let ends = !text.get(from + n_digits..)?.starts_with(|c: char| c.is_alphanumeric());
        is_number.then_some((part, ends))
    };
    let (main, main_ends) = digits(0, 4).filter(|(main, _)| main.starts_with(['0', '1']))?;
    let is_parted = text.get(4..)?.starts_with(['.', '_', '-', '/']);
    match digits(if is_parted { 5 } else { 4 }, 3) {
        Some((sub, true)) => Some(format!("T{main}.{sub}")),
        _ => main_ends.then(|| format!("T{main}")),
    }
}

/// The keys of a note's front matter that may name its technique, the surest first.
const KEYS: [&[&str]; 6] = [
    &[
        "technique_id",
        "technique",
        "technique_ids",
        "attack_id",
        "attack_technique",
        "mitre_id",
        "mitre",
        "mitre_technique",
        "mitre_attack",
        "mitre_attack_id",
        "attack",
        "external_id",
        "tid",
        "id",
    ],
    &["tags", "tag"],
    &["aliases", "alias"],
    &["title", "name"],
    &["url", "link", "source", "reference", "references"],
    &["techniques", "ttps"],
];

/// The rank ([`technique_of_key`]) of lists of techniques, which notes on other things have too.
pub const TECHNIQUE_LISTS: usize = 5;

/// Which of [`KEYS`] hold addresses.
const ADDRESSES: usize = 4;

/// Returns the techniques that a key of a note's front matter names, and how sure that is: 0 is surest.
/// `None` for keys that do not name the technique of a note.
pub fn technique_of_key(key: &str, values: &[&str]) -> Option<(usize, Vec<String>)> {
    let key = key.to_lowercase().replace(['-', ' ', '&'], "_");
    let rank = KEYS.iter().position(|keys| keys.contains(&key.as_str()))?;
    let mut found: Vec<String> = Vec::new();
    for value in values {
        // Of addresses only those of a technique's page count.
        if rank != ADDRESSES || value.contains("/techniques/") {
            found.extend(techniques_in(value));
        }
    }
    // A sub-technique is named with its parent: `T1102`, `attack/T1102/002`.
    let all = found.clone();
    found.retain(|id| {
        let prefix = format!("{id}.");
        !all.iter().any(|other| other.starts_with(&prefix))
    });
    found.sort_by_key(|id| all.iter().position(|other| other == id));
    found.dedup();
    (!found.is_empty()).then_some((rank, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_are_found_in_any_spelling() {
        for (text, expect) in [
            ("T1102_002", "T1102.002"),
            ("#t1102_002", "T1102.002"),
            ("attack/T1102/002", "T1102.002"),
            ("mitre/T1102.002", "T1102.002"),
            ("T1102-002", "T1102.002"),
            ("T1102002", "T1102.002"),
            ("T1102_002 techniques", "T1102.002"),
            ("attack.t1102", "T1102"),
            ("T1102.002-Bidirectional_Communication", "T1102.002"),
            ("T1102-2024 notes", "T1102"),
            ("[[T0869 - Standard Protocol|x]], T1071", "T0869 T1071"),
            ("https://attack.mitre.org/techniques/T1102/002/", "T1102.002"),
            ("T11021", ""),
            ("T2024", ""),
            ("AT1102", ""),
            ("T110", ""),
            ("T110ä", ""),
            ("AML.T0051, aml.t0051.000 and https://atlas.mitre.org/techniques/AML.T0051", ""),
            ("", ""),
        ] {
            assert_eq!(techniques_in(text).join(" "), expect, "{text}");
        }
    }

    #[test]
    fn keys_name_the_technique_of_a_note() {
        for (key, values, expect) in [
            ("tags", &["T1102", "attack/T1102/002"][..], Some((1, "T1102.002"))),
            ("Technique ID", &["T1102.002"], Some((0, "T1102.002"))),
            ("techniques", &["T1102.002", "T1567"], Some((5, "T1102.002 T1567"))),
            ("url", &["https://attack.mitre.org/techniques/T1102/002"], Some((4, "T1102.002"))),
            ("url", &["https://example.org/T1102"], None),
            ("aliases", &["a", "T1102"], Some((2, "T1102"))),
            ("owner", &["T1102"], None),
        ] {
            let found = technique_of_key(key, values);
            let shown = found.as_ref().map(|(rank, ids)| (*rank, ids.join(" ")));
            let expect = expect.map(|(rank, ids)| (rank, ids.to_owned()));
            assert_eq!(shown, expect, "{key} {values:?}");
        }
    }
}
