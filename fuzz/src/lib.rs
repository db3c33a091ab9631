//! What is fuzzed: each target takes any bytes, and panics where something does not hold.
//!
//! Kept apart from libFuzzer, so that the tests of the workspace run the same code on seeds and on
//! what once crashed.
#![forbid(unsafe_code)]

use std::io::{Cursor, Read};
use std::sync::OnceLock;

use diagnostics::{Findings, SourceFile};
use hunt::{Hunter, Output, Report};
use inspect::pack::{PackHash, enclosed};
use inspect::{Inspector, Pack, Request};
use knowledge::{Compilation, Library, Policy, fix};
use sigma::{Compiler, Source};
use traffic::json::{self, Time};
use traffic::{
    Duration, Entry, FieldMap, Format, Layout, LineJoiner, LogReader, Part, Slots, TextFormat,
    inner_lines, limits, line_reader, subject,
};

// Of the command line, which is a program and no library.
#[path = "../../tidegate/src/unpacked.rs"]
mod unpacked;

use unpacked::Unpacked;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Target)] = &[
    ("compressed", compressed),
    ("condition", condition),
    ("log", log),
    ("merge", merge),
    ("note", note),
    ("pack", pack),
    ("paste", paste),
    ("regex", regex),
    ("request", request),
    ("sigma", sigma),
];

/// Sigma text: read, linted, mended, compiled; and what was compiled is decoded.
pub fn sigma(bytes: &[u8]) {
    whole_way("any.yml", bytes);
}

/// A rule note.
pub fn note(bytes: &[u8]) {
    whole_way("any.md", bytes);
}

fn whole_way(name: &str, bytes: &[u8]) {
    let read = |bytes: &[u8]| {
        let file = SourceFile { name: name.into(), bytes: bytes.to_vec() };
        let mut library = Library::read(vec![file]);
        library.findings.extend(library.lint());
        library
    };
    let library = read(bytes);
    let compilation = Compilation::new(&library, "any", 0).expect("what was compiled is a pack");
    assert_eq!(compilation.n_read, compilation.n_compiled + compilation.n_refused);
    let mut findings = library.findings.iter().chain(&compilation.findings);
    assert!(compilation.n_refused == 0 || findings.any(diagnostics::Finding::is_error));
    inspect_samples(compilation.pack);
    for finding in &library.findings {
        let span = finding.diagnostic.place.span;
        assert!((span.line, span.column) >= (1, 1), "{finding:?}");
        assert!((span.line, span.column) <= (span.end_line, span.end_column), "{finding:?}");
    }
    // Each fix is put in where it says, and the text can be read again.
    if let Some(text) = library.sources.values().next() {
        let fixes = library.findings.iter().filter_map(|found| found.diagnostic.fix.as_deref());
        let fixes: Vec<_> = fixes.collect();
        let (mended, n_applied) = fix::apply(text, fixes.iter().copied());
        assert!(fixes.is_empty() || n_applied > 0, "{fixes:?} in {text:?}");
        read(mended.as_bytes());
    }
}

/// A condition over the searches of a rule.
pub fn condition(bytes: &[u8]) {
    let condition = quoted(bytes);
    rule(&format!(
        "{{a: {{c-uri|contains: a}}, b_1: {{cs-method: GET}}, b_2: [x], _c: {{cs-host: h}}, condition: {condition}}}"
    ));
}

/// A regular expression: its automaton is within the bounds, and it is run.
pub fn regex(bytes: &[u8]) {
    let flags = ["", "|i", "|m", "|s"];
    let (flag, expression) = bytes.split_first().unwrap_or((&0, &[]));
    let flag = flags[usize::from(*flag) % flags.len()];
    let n_bytes = rule(&format!("{{s: {{c-uri|re{flag}: {}}}, condition: s}}", quoted(expression)));
    assert!(n_bytes < 8 << 20, "{n_bytes} bytes");
}

/// JSON is YAML: a text of any characters in quotes.
fn quoted(bytes: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(bytes)).to_string()
}

/// Compiles a rule with this detection, runs it, and gives the size of its pack.
fn rule(detection: &str) -> usize {
    let text = format!("title: t\nlogsource: {{category: proxy}}\ndetection: {detection}\n");
    let parsed = sigma::parse(&Source::new("any.yml", &text));
    assert!(!parsed.rules.is_empty() || !parsed.diagnostics.is_empty());
    let mut compiler = Compiler::new("any", 0);
    for rule in &parsed.rules {
        if let Err(diagnostics) = compiler.add(rule) {
            assert!(!diagnostics.is_empty());
        }
    }
    let bytes = compiler.finish().encode();
    inspect_samples(Pack::decode(&bytes).expect("what was compiled is a pack"));
    bytes.len()
}

/// A pack that anybody may have written: the bytes are its tables, or the body in which they are compressed,
/// behind a header that fits them.
pub fn pack(bytes: &[u8]) {
    let mut sample = Compiler::new("any", 0).finish().encode();
    // Magic number and version; then length and hash of the body.
    sample.truncate(12);
    let length = u32::try_from(bytes.len()).expect("libFuzzer's inputs are small");
    sample.extend_from_slice(&length.to_le_bytes());
    sample.extend_from_slice(&PackHash::of(bytes).0);
    sample.extend_from_slice(bytes);
    for sample in [sample, enclosed(bytes)] {
        if let Ok(pack) = Pack::decode(&sample) {
            inspect_samples(pack);
        }
    }
}

/// The pack of a rule that is compiled once, since that takes longer than what is fuzzed.
fn compiled(bytes: &OnceLock<Vec<u8>>, rule: &str) -> Pack {
    let bytes = bytes.get_or_init(|| {
        let parsed = sigma::parse(&Source::new("any.yml", rule));
        let mut compiler = Compiler::new("any", 0);
        compiler.add(&parsed.rules[0]).expect("a small rule");
        compiler.finish().encode()
    });
    Pack::decode(bytes).expect("a pack")
}

fn inspect_samples(pack: Pack) {
    let mut inspector = Inspector::new(pack);
    let request = Request {
        method: b"GET",
        scheme: b"https",
        authority: b"user@a.example.:443, b.example",
        path: Some(b"/a/%2e%2e/x-\xff.php?q=1&a=b"),
        user_agent: Some(b"curl/8"),
        server_name: Some(b"a.example"),
        source_address: Some(b"192.0.2.7"),
        ..Request::default()
    };
    for verdict in [inspector.inspect(&request), inspector.inspect_raw(&Request::default())] {
        inspector.correlation_hits(&verdict);
    }
}

/// The parts of a request, a NUL between them: method, scheme, authority, path, server name, CONNECT
/// target, user agent.
pub fn request(bytes: &[u8]) {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let mut parts = bytes.split(|byte| *byte == 0);
    let mut next = || parts.next();
    let request = Request {
        method: next().unwrap_or(b"GET"),
        scheme: next().unwrap_or(b"https"),
        authority: next().unwrap_or_default(),
        path: next(),
        server_name: next(),
        connect_target: next(),
        user_agent: next(),
        ..Request::default()
    };
    let pack = compiled(
        &BYTES,
        "title: t\nlogsource: {category: proxy}\ndetection:\n  h: {cs-host|endswith: [.example, bin.com]}\n  p: {c-uri-stem|contains: /raw/}\n  u: {c-uri|re: 'a.{1,9}b'}\n  a: {cs-host|cidr: 10.0.0.0/8}\n  condition: 1 of them\n",
    );
    let mut inspector = Inspector::new(pack);
    let raw = inspector.inspect_raw(&request).matches.len();
    let all = inspector.inspect(&request).matches.len();
    assert!(raw <= all, "a reading takes nothing away");
    let views = inspect::Views::of(&request);
    for form in views.forms() {
        // What was read is read again, and neither panics nor grows without end.
        let again = inspect::Views::of(&form.apply(&request));
        assert!(again.steps() <= 64 * (bytes.len() + 64), "{} steps", again.steps());
    }
}

/// A log behind a line `---`, below the format string or the field map by which it is read.
pub fn described(bytes: &[u8]) -> Option<(Layout, FieldMap, &[u8])> {
    const END: &[u8] = b"---";
    let mut at = 0;
    traffic::lines(bytes).find(|line| {
        at += line.len() + 1;
        *line == END
    })?;
    let (head, log) = bytes.split_at_checked(at)?;
    let head = str::from_utf8(head.get(..at - END.len() - 1)?).ok()?;
    if let Ok(format) = TextFormat::compile(head) {
        return Some((Layout::from(format).within(log), FieldMap::default(), log));
    }
    let map = FieldMap::read(&"map.toml".into(), head).ok()?;
    Some((Layout::from(Format::Json).within(log), map, log))
}

/// A log as it is detected, as a log of each format, and as it is described; and logs that follow one another in it.
pub fn log(bytes: &[u8]) {
    // Each may be as long as the input.
    const MAX_LOGS: usize = 8;
    let map = FieldMap::default();
    if let Some((layout, map, log)) = described(bytes) {
        hunt_in(layout, &map, log);
        return;
    }
    let mut rest = bytes;
    for _ in 0..MAX_LOGS {
        let Some(layout) = Layout::detect(rest) else { break };
        assert!(layout.end_of_lines(rest).unwrap_or_default() <= rest.len());
        let next = layout.next_header(rest).filter(|_| !layout.is_document());
        assert!(next.is_none_or(|at| (1..rest.len()).contains(&at)));
        let (log, behind) = rest.split_at(next.unwrap_or(rest.len()));
        hunt_in(layout, &map, log);
        rest = behind;
    }
    for (_, format) in Format::ALL {
        read_as(Layout::from(*format), bytes);
    }
    // What `--input-format` adds, of one format in turn.
    let (_, format) = Format::ALL[bytes.len() % Format::ALL.len()];
    read_as(Layout::from(format).within(bytes), bytes);
    read_objects(bytes);
    // As events are looked for.
    let mut joiner = LineJoiner::default();
    for line in traffic::lines(bytes) {
        let Some(whole) = joiner.join(line) else { continue };
        for line in inner_lines(&whole) {
            assert!(line.len() <= bytes.len(), "no line grows");
        }
    }
    assert!(joiner.finish().map(|line| line.len()).sum::<usize>() <= bytes.len());
}

/// Reads a log, without judging it.
fn read_as(layout: Layout, log: &[u8]) {
    let is_document = layout.is_document();
    let mut n_lines = 0;
    LogReader::new(layout, &FieldMap::default()).read(log, &mut |number, entry| {
        n_lines += 1;
        assert!(number >= 1, "{entry:?}");
        if let Ok(Entry::Request(logged)) = entry {
            logged.time.map(Time::milliseconds);
            logged.duration.as_ref().map(Duration::milliseconds);
        }
    });
    assert!(is_document || n_lines == traffic::lines(log).count(), "each line is visited once");
}

/// Reads lines that are objects: the entries are those that the library's parser gives, and what was learned of the
/// lines before changes nothing.
fn read_objects(log: &[u8]) {
    let reader = || line_reader(Format::Envoy, &FieldMap::default()).expect("it is JSON");
    let mut of_many = reader();
    for line in traffic::lines(log) {
        let Ok(text) = json::text_of(line) else { continue };
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let is_read = json::object(line, |key, raw| here.push((key.to_owned(), raw))).is_ok();
        let parsed = json::parsed(text, &mut |key, raw| there.push((key.to_owned(), raw)));
        assert_eq!(is_read, parsed.is_ok(), "{text}");
        assert!(!is_read || here == there, "{text}");
        let (mut slots, mut alone) = (Slots::default(), Slots::default());
        assert_eq!(of_many.read(line, &mut slots).is_ok(), is_read, "{text}");
        assert_eq!(reader().read(line, &mut alone).is_ok(), is_read, "{text}");
        let is_same = |part: Part| slots.raw(part) == alone.raw(part);
        assert!(!is_read || Part::ALL.into_iter().all(is_same), "{text}");
    }
}

/// Hunts in a log, and writes the records of what is found.
fn hunt_in(layout: Layout, map: &FieldMap, log: &[u8]) {
    const RULE: &str = "title: t\nlogsource: {category: proxy}\ndetection: {s: {c-uri|contains: a}, k: [b], condition: s or k}\n";
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let pack = || compiled(&BYTES, RULE);
    let is_document = layout.is_document();
    let piece = Hunter::new(pack(), layout, map, true).with_behaviour().hunt(log);
    let counts = &piece.counts;
    assert_eq!(counts.n_lines, counts.n_events + counts.n_blank + counts.n_unreadable());
    assert!(is_document || counts.n_lines == traffic::lines(log).count() as u64);
    let mut report = Report::new(pack(), Output::Json, 1, true);
    report.begin(&"log".into());
    let records = report.take(piece) + &report.finish();
    for record in records.lines() {
        serde_json::from_str::<serde_json::Value>(record).expect("a record is JSON");
    }
    report.summary();
}

/// A log that may be compressed, or in UTF-16, or an archive of some.
pub fn compressed(bytes: &[u8]) {
    let hunt_in_text = |reader: &mut dyn Read| {
        // A few bytes are unpacked to any number: a hunt reads them piece by piece.
        const MAX_BYTES: u64 = 64 << 10;
        let mut log = Vec::new();
        // What was read before an error is hunted in, as of a file that is cut.
        let _ = reader.take(MAX_BYTES).read_to_end(&mut log);
        if let Some(layout) = Layout::detect(&log) {
            hunt_in(layout, &FieldMap::default(), &log);
        }
    };
    match unpacked::open(Box::new(Cursor::new(bytes.to_vec()))) {
        Ok(Unpacked::Text(mut text)) => hunt_in_text(&mut text),
        Ok(Unpacked::Archive(mut archive)) => {
            // Each file takes half a KiB; a few show what many do.
            const MAX_FILES: usize = 8;
            let files = archive.entries().into_iter().flatten().take(MAX_FILES);
            for file in files.map_while(Result::ok) {
                if let Ok(Unpacked::Text(mut text)) = unpacked::open(Box::new(file)) {
                    hunt_in_text(&mut text);
                }
            }
        }
        Err(_) => {}
    }
}

/// A policy of somebody's, and behind a line `---` a log: what is learned from the log is added, and all that was in the
/// policy stays.
pub fn merge(bytes: &[u8]) {
    const SERVICE: &str = "---\nkind: service\nservice: Forge\nhosts: [forge.example]\nidentity: ['forge.example/{owner}']\noperations: [{name: read, methods: [GET], means: it, match: 'GET https://forge.example/', pass: 'PUT https://forge.example/'}]\n---\n";
    let all = String::from_utf8_lossy(bytes);
    let (text, log) = all.split_once("\n---\n").unwrap_or((&all, ""));
    let file = SourceFile { name: "forge.md".into(), bytes: SERVICE.into() };
    let library = Library::read(vec![file]);
    let (policy, _) = Policy::read(&"policy.yml".into(), text);
    let compiled =
        |policy: Option<&Policy>| Compilation::with_policy(&library, "any", 0, policy, None);
    let Ok(compilation) = compiled(policy.as_ref()) else { return };
    let map = FieldMap::default();
    let decode = || Pack::decode(&compilation.bytes).expect("what was compiled is a pack");
    let mut report = Report::new(decode(), Output::Json, 1, false);
    report.begin(&"log".into());
    let mut hunter = Hunter::new(decode(), Format::Envoy, &map, false).with_uses();
    report.take(hunter.hunt(log.as_bytes()));
    let Ok(merged) = hunt::learn::merge(report.uses(), 10, text) else { return };
    // Nothing of the old text is gone.
    let mut rest = merged.text.bytes();
    assert!(text.bytes().all(|byte| rest.any(|of| of == byte)), "{text:?} in {:?}", merged.text);
    assert!(merged.n_added > 0 || merged.text == text, "{:?}", merged.text);
    // The command writes it if it is a policy, and then it compiles or says why.
    if let (Some(policy), _) = Policy::read(&"policy.yml".into(), &merged.text) {
        let _ = compiled(Some(&policy));
    }
}

/// Whatever a person gives to be explained: commands, scripts, heads, URLs.
pub fn paste(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut findings = Findings::new(&"any".into());
    let requests = subject::read(&text, &mut findings);
    let findings = findings.into_list();
    assert!(requests.len() <= limits::MAX_PASTED_REQUESTS);
    assert!(!requests.is_empty() || !findings.is_empty(), "nothing is taken and nothing is said");
    for finding in &findings {
        let span = finding.diagnostic.place.span;
        assert!((span.line, span.column) >= (1, 1), "{finding:?}");
    }
    let pieces = std::iter::successors(Some(bytes), |rest| rest.get(subject::piece_len(rest)..));
    let n_pieces = pieces.take_while(|rest| !rest.is_empty()).count();
    assert!(n_pieces <= bytes.len());
}
