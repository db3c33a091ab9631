//! Regular expressions by RE2 itself and here: those of the corpora, and generated ones.
//!
//! `cargo xtask test` installs Google's package for Python, pinned with its hashes, into `target/re2`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use inspect::{Inspector, Pack, Request};
use serde_json::{Value, json};

use crate::corpus::rule_files;

/// A generator of numbers that repeats itself (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        choices[self.below(choices.len())]
    }
}

/// Pieces of expressions, of both dialects and of neither.
const PIECES: &[&str] = &[
    "a",
    "b",
    "c",
    "K",
    "s",
    "1",
    "_",
    " ",
    "/",
    ".",
    ".*",
    ".+?",
    "*",
    "+",
    "?",
    "*?",
    "{2}",
    "{1,3}",
    "{2,}",
    "{,3}",
    "{",
    "}",
    "{x",
    "{01}",
    "{2",
    "{0}",
    "[a-c]",
    "[^b]",
    "[a&&b]",
    "[a--c]",
    "[a~~b]",
    "[[a]",
    "[]a]",
    "[^]a]",
    "[a-]",
    "[\\d-z]",
    "[\\w.]",
    "[^\\s]",
    "[[:alpha:]]",
    "[[:^digit:]]",
    "[\\101-\\x43]",
    "[\\_\\-\\]]",
    "[\\pL]",
    "[+--]",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?i:",
    "(?-i)",
    "(?s)",
    "(?m)",
    "(?U)",
    "(?P<n>",
    "(?<n>",
    "(?P<1>",
    "(?)",
    "|",
    "||",
    "^",
    "$",
    "\\A",
    "\\z",
    "\\b",
    "\\B",
    "\\d",
    "\\D",
    "\\s",
    "\\S",
    "\\w",
    "\\W",
    "\\pL",
    "\\p{Greek}",
    "\\p{^Greek}",
    "\\P{Lu}",
    "\\C",
    "\\Qa.",
    "\\Q",
    "\\E",
    "\\<",
    "\\>",
    "\\101",
    "\\0",
    "\\08",
    "\\012",
    "\\141",
    "\\1",
    "\\8",
    "\\x41",
    "\\x{62}",
    "\\x4",
    "\\a",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\v",
    "\\.",
    "\\/",
    "\\-",
    "\\_",
    "\\ ",
    "\\\"",
    "\\{",
    "\\}",
    "\\e",
    "\\h",
    "\\u0041",
    "\\Z",
    "\\G",
    "]",
    "-",
    "&&",
    "~",
    "#",
    "\"",
    "'",
    "<",
    ">",
    ",",
    ":",
    "=",
    "\u{e9}",
    "\u{17f}",
    "\u{212a}",
    "\u{3b1}",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?>a)",
    "(?x)",
    "(?#a)",
    "(?u)",
    "(?R)",
];

fn generated(numbers: &mut Numbers) -> String {
    let n_pieces = 1 + numbers.below(6);
    (0..n_pieces).map(|_| numbers.one_of(PIECES)).collect()
}

/// The values of `re` in the rules of the corpora, as they are written: also those that are refused.
fn of_corpora(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in rule_files(root) {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut indent = None;
        for line in text.lines() {
            let trimmed = line.trim_start();
            let depth = line.len() - trimmed.len();
            let is_key =
                trimmed.trim_start_matches("- ").split_once(':').is_some_and(|(key, _)| {
                    key.trim_matches(['\'', '"'])
                        .split('|')
                        .skip(1)
                        .any(|modifier| modifier == "re")
                });
            let value = if is_key {
                indent = Some(depth);
                trimmed.split_once(':').map_or("", |(_, value)| value)
            } else if indent.is_some_and(|indent| {
                depth > indent || depth == indent && trimmed.starts_with("- ")
            }) {
                trimmed.strip_prefix("- ").unwrap_or("")
            } else {
                indent = None;
                ""
            };
            let value = value.trim();
            let value = match value.chars().next() {
                Some('\'') => value.trim_matches('\'').replace("''", "'"),
                Some('"') => value.trim_matches('"').replace("\\\\", "\\"),
                Some('#') | None => continue,
                Some(_) => value.to_owned(),
            };
            if !value.is_empty() && value != "|" && value != ">" {
                found.insert(value);
            }
        }
    }
    found
}

/// Texts that may fit an expression: parts of it, with letters of it put together otherwise.
fn texts(pattern: &str, numbers: &mut Numbers) -> Vec<String> {
    let plain: Vec<char> = pattern
        .chars()
        .filter(|char| char.is_alphanumeric() || " /._-{}\"'<>:=&,~]".contains(*char))
        .collect();
    let mut texts = vec![
        String::new(),
        "a".into(),
        "aab bc".into(),
        "A1_\u{17f}K\u{212a}".into(),
        "a\nb".into(),
        pattern.to_owned(),
        plain.iter().collect(),
    ];
    let letters: Vec<char> = plain.iter().copied().chain("abcK1 _\u{e9}\n{}.,3".chars()).collect();
    for _ in 0..6 {
        let n_letters = 1 + numbers.below(8);
        texts.push((0..n_letters).map(|_| letters[numbers.below(letters.len())]).collect());
    }
    texts
}

/// What is found here, or the code of the refusal.
fn here(pattern: &str, texts: &[String]) -> Result<Vec<bool>, String> {
    let rule = format!(
        "title: t\nlogsource: {{category: proxy}}\ndetection: {{s: {{c-useragent|re: {}}}, condition: s}}\n",
        Value::from(pattern)
    );
    let parsed = sigma::parse(&sigma::Source::new("rule.yml", &rule));
    let code = |diagnostics: &[diagnostics::Diagnostic]| diagnostics[0].code.id.to_owned();
    let Some(rule) = parsed.rules.first() else { return Err(code(&parsed.diagnostics)) };
    let mut compiler = sigma::Compiler::new("t", 1);
    compiler.add(rule).map_err(|diagnostics| code(&diagnostics))?;
    let mut inspector = Inspector::new(Pack::decode(&compiler.finish().encode()).unwrap());
    let mut find = |text: &String| {
        let request = Request { user_agent: Some(text.as_bytes()), ..Request::default() };
        !inspector.inspect_raw(&request).matches.is_empty()
    };
    Ok(texts.iter().map(&mut find).collect())
}

/// RE2's answers to all cases.
fn by_re2(packages: &Path, cases: &[(String, Vec<String>)]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/re2/answers.py");
    let mut child = Command::new("python3")
        .arg(script)
        .env("PYTHONPATH", packages)
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = String::new();
    for (pattern, texts) in cases {
        writeln!(input, "{}", json!({"pattern": pattern, "texts": texts})).unwrap();
    }
    let mut pipe = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn expressions_mean_what_they_mean_to_re2() {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/re2");
    if !packages.is_dir() {
        return corpora::skip("google-re2 (cargo xtask test installs it)");
    }
    let mut numbers = Numbers(17);
    let corpus = corpora::folder(&["sigma"]).map(|root| of_corpora(&root)).unwrap_or_default();
    let n_corpus = corpus.len();
    let mut patterns: Vec<String> = corpus.into_iter().collect();
    // Those of the field, and each piece alone.
    patterns.extend(
        [".*{x", "${jndi:", "{\"a\":", "a{,5}b", "\\101", "\\Qa.b\\E+", "\\<a\\>", "a\\Cb"]
            .map(str::to_owned),
    );
    patterns.extend(PIECES.iter().map(|piece| (*piece).to_owned()));
    patterns.extend((0..6_000).map(|_| generated(&mut numbers)));
    let cases: Vec<_> = patterns
        .into_iter()
        .map(|pattern| {
            let texts = texts(&pattern, &mut numbers);
            (pattern, texts)
        })
        .collect();
    let answers = by_re2(&packages, &cases);
    assert_eq!(answers.len(), cases.len());
    let (mut n_alike, mut n_both_refuse) = (0, 0);
    let mut explained: BTreeMap<String, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for ((pattern, texts), answer) in cases.iter().zip(&answers) {
        let found = answer["found"].as_array();
        let found = found
            .map(|found| found.iter().map(|found| found.as_bool().unwrap()).collect::<Vec<_>>());
        match (found, here(pattern, texts)) {
            (Some(re2), Ok(here)) if re2 == here => n_alike += 1,
            (None, Err(_)) => n_both_refuse += 1,
            (None, Ok(_)) => {
                // Wider than RE2, which refuses: no rule that runs elsewhere means something else here.
                let reason =
                    answer["refused"].as_str().unwrap().split(':').next().unwrap().to_owned();
                *explained.entry(format!("read here, refused by RE2: {reason}")).or_default() += 1;
            }
            (Some(_), Err(code)) if code == "S023" => {
                *explained.entry("refused here: too large an automaton".to_owned()).or_default() +=
                    1;
            }
            (Some(_), Err(_)) if is_empty(pattern) => {
                *explained.entry("refused here: an empty value".to_owned()).or_default() += 1;
            }
            (re2, here) => unexplained
                .push(format!("{pattern:?}\n  texts {texts:?}\n  RE2 {re2:?}\n  here {here:?}")),
        }
    }
    println!(
        "{} expressions, {n_corpus} of the corpora: {n_alike} alike, {n_both_refuse} refused by both, {} differ, {} unexplained",
        cases.len(),
        explained.values().sum::<usize>() + unexplained.len(),
        unexplained.len()
    );
    for (reason, n) in &explained {
        println!("  {n} {reason}");
    }
    assert!(
        unexplained.is_empty(),
        "{}\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(20)].join("\n")
    );
}

/// Returns true if an expression is blank as a value of YAML.
fn is_empty(pattern: &str) -> bool {
    pattern.trim().is_empty()
}
