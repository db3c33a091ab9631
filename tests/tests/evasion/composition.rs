//! Random compositions of evasions over every request that a shipped rule must match.

use std::path::Path;
use std::sync::Arc;

use diagnostics::SourceFile;
use inspect::pack::Op;
use inspect::{ANOMALY_FIELD, Inspector, Pack, Request, RuleId, View};
use knowledge::{Compilation, Expectation, Library};
use traffic::RecordedRequest;

use crate::table::root;

pub(crate) const SEED: u64 = 0x7469_6465_6761_7465;
const N_COMPOSITIONS: usize = 100_000;

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// A byte in one of the ways in which it can be escaped, `depth` times over.
fn escaped(byte: u8, depth: usize, numbers: &mut Numbers) -> Vec<u8> {
    let percent = "25".repeat(depth);
    let hex = if numbers.one_in(2) { format!("{byte:02x}") } else { format!("{byte:02X}") };
    let text = match numbers.below(4) {
        0 => format!("%{percent}u00{hex}"),
        1 => format!("%{percent}c{:x}%{:x}", byte >> 6, 0x80 | byte & 0x3f),
        _ => format!("%{percent}{hex}"),
    };
    text.into_bytes()
}

/// Escapes some of the bytes that `may` allows.
fn sprinkle(text: &[u8], may: impl Fn(u8) -> bool, numbers: &mut Numbers) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in text {
        if may(*byte) && numbers.one_in(6) {
            let depth = numbers.below(3);
            out.extend(escaped(*byte, depth, numbers));
        } else {
            out.push(*byte);
        }
    }
    out
}

fn evade_host(host: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut host = host.to_vec();
    if numbers.one_in(2) {
        for byte in &mut host {
            if numbers.one_in(3) {
                byte.make_ascii_uppercase();
            }
        }
    }
    if numbers.one_in(3) {
        host = sprinkle(&host, |byte| byte.is_ascii_alphanumeric() || byte == b'.', numbers);
    }
    let (before, behind): (&[u8], &[u8]) = match numbers.below(14) {
        0 => (b"", b"."),
        1 => (b"", b".."),
        2 => (b".", b""),
        3 => (b"www.good.example@", b""),
        4 => (b"", b":x@www.good.example"),
        5 => (b"www.good.example,", b""),
        6 => (b"", b", www.good.example"),
        7 => (b"", b":"),
        8 => (b"", b":0443"),
        9 => (b"", b".:70000"),
        10 => (b"a@b@www.good.example,c@", b".:443"),
        _ => (b"", b""),
    };
    [before, &host, behind].concat()
}

fn evade_path(path: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut halves = path.splitn(2, |byte| *byte == b'?');
    let (stem, query) = (halves.next().unwrap_or_default(), halves.next());
    let letters = |byte: u8| byte.is_ascii_alphanumeric();
    let stem = if numbers.one_in(2) { sprinkle(stem, letters, numbers) } else { stem.to_vec() };
    let mut out = Vec::new();
    let style = numbers.below(8);
    for byte in stem {
        let slash: &[u8] = match style {
            _ if byte != b'/' => &[byte],
            // A request target starts with a slash.
            _ if out.is_empty() && style < 4 => b"/",
            0 => b"\\",
            1 => b"%2f",
            2 => b"%5C",
            3 => b"%252F",
            4 => b"//",
            5 if numbers.one_in(2) => b"/./",
            6 if numbers.one_in(2) => b"/x/%2e%2E/",
            7 if numbers.one_in(2) => b"/x/..;v=1/",
            _ => b"/",
        };
        out.extend_from_slice(slash);
    }
    if let Some(query) = query {
        out.push(b'?');
        out.extend(if numbers.one_in(2) {
            sprinkle(query, letters, numbers)
        } else {
            query.to_vec()
        });
    }
    out
}

pub(crate) fn evade(request: &RecordedRequest, numbers: &mut Numbers) -> RecordedRequest {
    let mut evaded = request.clone();
    if !numbers.one_in(4) {
        evaded.authority = evade_host(&request.authority, numbers);
    }
    if let Some(path) = &request.path
        && !numbers.one_in(4)
    {
        evaded.path = Some(evade_path(path, numbers));
    }
    evaded
}

/// Moves the name of a request to where it is not looked for first: the server name, or the target of the
/// CONNECT in whose tunnel it comes. What is left has another name.
fn misplace<'r>(request: &Request<'r>, numbers: &mut Numbers) -> Request<'r> {
    const INNOCENT: [&[u8]; 3] =
        [b"www.good.example", b"Cdn.good.example.", b"a.example,b.example"];
    let name = request.authority;
    let innocent = INNOCENT[numbers.below(INNOCENT.len())];
    // The server name of a CONNECT is the gateway's own.
    let n_places = if request.path.is_some() && request.server_name.is_none() { 8 } else { 4 };
    match numbers.below(n_places) {
        0 => Request { authority: innocent, connect_target: Some(name), ..*request },
        4 => Request { authority: innocent, server_name: Some(name), ..*request },
        5 => Request {
            authority: innocent,
            server_name: Some(b"www.good.example"),
            connect_target: Some(name),
            ..*request
        },
        6 => Request {
            authority: innocent,
            server_name: Some(name),
            connect_target: Some(b"cdn.good.example:443"),
            ..*request
        },
        _ => *request,
    }
}

fn notes(folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            notes(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let name: Arc<str> = path.to_string_lossy().into();
            files.push(SourceFile { name, bytes: std::fs::read(&path).unwrap() });
        }
    }
}

/// The shipped rules, and each request that one of them must match.
pub(crate) struct Shipped {
    pub(crate) bytes: Vec<u8>,
    pub(crate) pack: Pack,
    pub(crate) examples: Vec<(RuleId, RecordedRequest)>,
    n_rules: usize,
}

pub(crate) fn shipped() -> Shipped {
    let mut files = Vec::new();
    notes(&root().join("knowledge/notes"), &mut files);
    let library = Library::read(files);
    let compilation = Compilation::new(&library, "evasion", 1).unwrap();
    let mut examples = Vec::new();
    for (entry, rule) in library.rules.iter().zip(&compilation.rule_ids) {
        let note = entry.note_idx.and_then(|note_idx| library.notes.get(note_idx));
        let (Some(note), Some(rule)) = (note, rule) else { continue };
        let matching =
            note.examples.iter().filter(|example| example.expectation == Expectation::Match);
        examples.extend(matching.map(|example| (*rule, example.request.clone())));
    }
    assert!(examples.len() > 50, "{} examples", examples.len());
    let Compilation { bytes, pack, .. } = compilation;
    Shipped { bytes, pack, examples, n_rules: library.rules.len() }
}

/// Whether a rule asks for what is odd about a request.
fn asks_for_anomalies(pack: &Pack, rule: RuleId) -> bool {
    let tables = pack.tables();
    let code = tables.rule(rule).map(|rule| tables.rule_code(rule)).unwrap_or_default();
    code.iter().any(|word| match Op::decode(*word) {
        Some(Op::Atom(atom)) => {
            let atom = tables.atoms.get(atom.index());
            atom.is_some_and(|atom| tables.field_name(atom.field) == ANOMALY_FIELD)
        }
        _ => false,
    })
}

/// The names of a request and its path.
fn shown(request: &Request<'_>) -> String {
    let named =
        [Some(request.authority), request.path, request.server_name, request.connect_target];
    let each =
        named.map(|part| part.map_or("-".to_owned(), |part| part.escape_ascii().to_string()));
    each.join(" ")
}

#[test]
fn no_composition_of_evasions_over_a_shipped_example_escapes() {
    let Shipped { pack, examples, n_rules, .. } = shipped();
    let mut inspector = Inspector::new(pack);
    let mut numbers = Numbers(SEED);
    let (mut escaped, mut n_views) = (Vec::new(), 0);
    for idx in 0..N_COMPOSITIONS {
        let (rule, example) = &examples[idx % examples.len()];
        let evaded = evade(example, &mut numbers);
        // What is odd about a host is not odd about it where it is the name of something else.
        let request = if asks_for_anomalies(inspector.pack(), *rule) {
            evaded.lend()
        } else {
            misplace(&evaded.lend(), &mut numbers)
        };
        let verdict = inspector.inspect(&request);
        let matched = verdict.matches.iter().find(|matched| matched.rule == *rule);
        n_views += usize::from(matched.is_some_and(|matched| matched.view != View::Raw));
        if matched.is_none() {
            let tables = inspector.pack().tables();
            let title = tables.rule(*rule).map(|rule| rule.title).unwrap();
            escaped.push(format!(
                "{}: {}  from  {}",
                tables.str(title),
                shown(&request),
                example.url().escape_ascii(),
            ));
        }
    }
    println!(
        "compositions: {N_COMPOSITIONS} of {} examples of {n_rules} rules, {n_views} found in another view than raw, {} escaped (native)",
        examples.len(),
        escaped.len()
    );
    // Most compositions must need a view, or this test would show nothing.
    assert!(2 * n_views > N_COMPOSITIONS);
    let shown = escaped.iter().take(20).cloned().collect::<Vec<_>>();
    assert!(escaped.is_empty(), "{} escaped:\n{}", escaped.len(), shown.join("\n"));
}
