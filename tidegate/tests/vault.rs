//! `tidegate vault`: fresh, merged, killed, hostile, and the full corpora.

#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests over files, with helpers beside the test functions"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const TECHNIQUES: &str = "T1102,T1567,T1090,T1572,T1105,T1071.001";
const ATTACK: &str = "knowledge/attack/enterprise-attack-18.1-web-services.json";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).current_dir(root()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = tidegate(arguments).output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{arguments:?}\n{text}\n{}", String::from_utf8_lossy(&stderr));
    text
}

fn build_ours(vault: &Path) -> String {
    run(&[
        "vault",
        "build",
        "--attack",
        ATTACK,
        "--techniques",
        TECHNIQUES,
        "--links",
        "markdown",
        vault.to_str().unwrap(),
    ])
}

/// All files with their bytes and times.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let time = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.clone(), (fs::read(&path).unwrap(), time));
            }
        }
    }
    found
}

fn pages(vault: &Path) -> Vec<PathBuf> {
    snapshot(vault)
        .into_keys()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

fn checks_clean(vault: &Path) {
    run(&["vault", "check", vault.to_str().unwrap()]);
}

/// Every query with Dataview's own parser, where Node and the package are there.
fn queries_hold(vault: &Path) {
    let folder = root().join("tests/dataview");
    if !folder.join("node_modules/obsidian-dataview").is_dir() {
        return corpora::skip("the npm packages of tests/dataview (`cargo xtask setup`)");
    }
    let output =
        Command::new("node").arg("check.mjs").arg(vault).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    eprintln!("{}", String::from_utf8_lossy(&output.stdout).trim());
}

#[test]
fn committed_vault_is_what_the_notes_give() {
    let scratch = tempfile::tempdir().unwrap();
    let (committed, fresh) = (root().join("vault"), scratch.path().join("vault"));
    build_ours(&fresh);
    let bare = |vault: &Path| -> BTreeMap<PathBuf, Vec<u8>> {
        let files = snapshot(vault).into_iter();
        let files =
            files.map(|(path, (bytes, _))| (path.strip_prefix(vault).unwrap().to_owned(), bytes));
        // The seal of a run counts for one build of the program, and is not committed.
        files.filter(|(path, _)| path != Path::new(".tidegate/unchanged.json")).collect()
    };
    let (committed_files, fresh_files) = (bare(&committed), bare(&fresh));
    let differing: Vec<_> = fresh_files
        .iter()
        .filter(|(path, bytes)| committed_files.get(*path) != Some(bytes))
        .map(|(path, _)| path)
        .collect();
    assert!(
        differing.is_empty() && committed_files.len() == fresh_files.len(),
        "run `tidegate vault build` again: {differing:?}"
    );
    checks_clean(&committed);
    queries_hold(&committed);
}

#[test]
fn second_run_touches_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    build_ours(scratch.path());
    let before = snapshot(scratch.path());
    let summary = build_ours(scratch.path());
    assert!(summary.contains(" 0 files written"), "{summary}");
    assert!(before == snapshot(scratch.path()));
}

/// A small generator of numbers: the same edits each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

#[test]
fn nothing_of_a_person_is_lost_in_a_thousand_hand_edits() {
    let scratch = tempfile::tempdir().unwrap();
    build_ours(scratch.path());
    let mut numbers = Numbers(11);
    let mut words: Vec<String> = Vec::new();
    let mut deleted = Vec::new();
    for edit in 0..1_000 {
        let pages = pages(scratch.path());
        let page = &pages[numbers.below(pages.len())];
        let text = fs::read_to_string(page).unwrap();
        let word = format!("person{edit}x");
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        let at = numbers.below(lines.len() + 1);
        match numbers.below(20) {
            0 if words.iter().all(|word| !text.contains(word.as_str())) && deleted.len() < 20 => {
                fs::remove_file(page).unwrap();
                deleted.push(page.clone());
                continue;
            }
            1 => {
                fs::rename(page, page.with_file_name(format!("{word}.md"))).unwrap();
                continue;
            }
            2 => {
                fs::write(page, text.replace("\r\n", "\n").replace('\n', "\r\n")).unwrap();
                continue;
            }
            3..=6 => lines.insert(1.min(lines.len()), format!("{word}: {word}")),
            7..=9
                if at < lines.len()
                    && !lines[at].starts_with("<!--")
                    && lines[at].trim() != "---" =>
            {
                lines[at].push_str(&format!(" {word}"));
            }
            10 if at < lines.len() && !lines[at].contains("person") => {
                lines.remove(at);
                fs::write(page, lines.join("\n") + "\n").unwrap();
                continue;
            }
            _ => lines.insert(at, word.clone()),
        }
        fs::write(page, lines.join("\n") + "\n").unwrap();
        words.push(word);
        if edit % 250 == 249 {
            build_ours(scratch.path());
        }
    }
    build_ours(scratch.path());
    let all: String = snapshot(scratch.path())
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "md"))
        .map(|(_, (bytes, _))| String::from_utf8(bytes).unwrap())
        .collect();
    let lost: Vec<_> = words.iter().filter(|word| !all.contains(word.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), words.len());
    assert!(deleted.iter().all(|page| !page.exists()), "a deleted page came back");
    let summary = build_ours(scratch.path());
    assert!(summary.contains(" 0 files written"), "{summary}");
}

#[test]
fn kill_at_any_moment_leaves_no_torn_page() {
    let scratch = tempfile::tempdir().unwrap();
    let whole = scratch.path().join("whole");
    build_ours(&whole);
    let expect: BTreeMap<PathBuf, Vec<u8>> = snapshot(&whole)
        .into_iter()
        .map(|(path, (bytes, _))| (path.strip_prefix(&whole).unwrap().to_owned(), bytes))
        .collect();
    for round in 0..12 {
        let vault = scratch.path().join(format!("round{round}"));
        let mut child = tidegate(&[
            "vault",
            "build",
            "--attack",
            ATTACK,
            "--techniques",
            TECHNIQUES,
            "--links",
            "markdown",
            vault.to_str().unwrap(),
        ])
        .spawn()
        .unwrap();
        // Killed when so many files are there; the last rounds may see it end first.
        let folder = vault
            .join(["Detection Rules", "Techniques", "Testing Runbooks", "Services"][round % 4]);
        while child.try_wait().unwrap().is_none() {
            let n_files = fs::read_dir(&folder).map_or(0, Iterator::count);
            if n_files > round * 2 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        for (path, (bytes, _)) in snapshot(&vault) {
            let path = path.strip_prefix(&vault).unwrap();
            if !path.starts_with(".tidegate/new") {
                assert!(expect.get(path) == Some(&bytes), "{} is torn", path.display());
            }
        }
        build_ours(&vault);
        checks_clean(&vault);
    }
}

#[test]
fn pages_whose_source_is_gone_become_tombstones() {
    let scratch = tempfile::tempdir().unwrap();
    build_ours(scratch.path());
    let page = scratch.path().join("Techniques/T1572 - Protocol Tunneling.md");
    let text = fs::read_to_string(&page).unwrap();
    fs::write(&page, text.replace("<!-- tidegate:page", "my own words\n\n<!-- tidegate:page"))
        .unwrap();
    let fewer = [
        "vault",
        "build",
        "--attack",
        ATTACK,
        "--techniques",
        "T1102",
        // Pages of detection strategies go too, which are more than a tenth.
        "--allow-removals",
        scratch.path().to_str().unwrap(),
    ];
    assert!(!run(&fewer).contains(" 0 tombstones"));
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("The source of this page is gone") && text.contains("my own words"));
    assert!(run(&fewer).contains(" 0 files written"));
}

#[test]
fn pages_stay_where_a_source_was_not_read() {
    let scratch = tempfile::tempdir().unwrap();
    let (notes, vault) = (scratch.path().join("notes"), scratch.path().join("vault"));
    fs::create_dir(&notes).unwrap();
    let rules = notes.join("rules");
    for (folder, n_notes) in [("rules", 3), ("services", usize::MAX), ("lists", usize::MAX)] {
        fs::create_dir(notes.join(folder)).unwrap();
        for entry in
            fs::read_dir(root().join("knowledge/notes").join(folder)).unwrap().take(n_notes)
        {
            let path = entry.unwrap().path();
            fs::copy(&path, notes.join(folder).join(path.file_name().unwrap())).unwrap();
        }
    }
    let (notes, vault) = (notes.to_str().unwrap(), vault.to_str().unwrap());
    let build = ["vault", "build", "--notes", notes, vault];
    run(&build);
    let before = snapshot(Path::new(vault));
    let one = fs::read_dir(rules).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&one).unwrap();
    fs::write(&one, text.replace("condition:", "conditoin:")).unwrap();
    let output = tidegate(&build).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(" 0 tombstones") && said.contains("stay as they are"), "{said}");
    let is_rule = |path: &&PathBuf| path.to_string_lossy().contains("Detection Rules");
    for path in before.keys().filter(is_rule) {
        assert!(!fs::read_to_string(path).unwrap().contains("The source of this page is gone"));
    }
    // A folder that is not the notes', and none at all: nothing is touched.
    let before = snapshot(Path::new(vault));
    let empty = scratch.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for (arguments, code) in [
        (&["vault", "build", "--notes", empty.to_str().unwrap(), vault][..], "F002"),
        (&["vault", "build", "--notes", "/nowhere", vault], "F001"),
        (&["vault", "build", "--attack", "/dev/null", vault], "F002"),
        (&["vault", "check", empty.to_str().unwrap()], "F002"),
    ] {
        let output = tidegate(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(code), "{arguments:?}: {said}");
    }
    let output = tidegate(&["vault", "build", vault]).current_dir(scratch.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(snapshot(Path::new(vault)) == before);
}

#[test]
fn a_page_that_is_no_text_is_told_with_its_code() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().to_str().unwrap();
    let write = |page: &str, bytes: &[u8]| fs::write(scratch.path().join(page), bytes).unwrap();
    for (page, bytes, code) in [
        ("Random.md", &b"\x8f\x00\xd3\x99"[..], "F007"),
        ("Latin.md", b"---\na: b\n---\ncaf\xe9\n", "F008"),
    ] {
        write("Good.md", b"[[Random]] [[Latin]]\n");
        write("Random.md", b"");
        write("Latin.md", b"");
        checks_clean(scratch.path());
        write(page, bytes);
        let output = tidegate(&["vault", "check", path]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(page) && said.contains(&format!("error[{code}]")), "{said}");
        let output = tidegate(&["vault", "check", path, "--format", "json"]).output().unwrap();
        let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(1), "{printed}");
        let codes = printed["diagnostics"].as_array().unwrap().iter().map(|found| &found["code"]);
        assert!(codes.eq([code]), "{printed}");
        assert_eq!(printed["defects"], serde_json::json!([]), "links to the page still lead there");
    }
}

#[test]
fn types_of_a_person_stay_and_missing_ones_are_added() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join(".obsidian/types.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, r#"{"more": [1], "types": {"mine": "checkbox", "created": "datetime"}}"#)
        .unwrap();
    build_ours(scratch.path());
    let read =
        || -> serde_json::Value { serde_json::from_slice(&fs::read(&path).unwrap()).unwrap() };
    let merged = read();
    assert_eq!(merged["more"], serde_json::json!([1]));
    for (key, kind) in [
        ("mine", "checkbox"),
        ("created", "datetime"),
        ("tags", "tags"),
        ("last_result", "text"),
        ("steps", "number"),
    ] {
        assert_eq!(merged["types"][key], kind, "{key}");
    }
    assert!(build_ours(scratch.path()).contains(" 0 files written"));

    fs::write(&path, "{ not JSON").unwrap();
    let printed = build_ours(scratch.path());
    assert!(printed.contains("conflict: .obsidian/types.json"), "{printed}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{ not JSON");
}

#[test]
fn hostile_input_stays_inert() {
    let scratch = tempfile::tempdir().unwrap();
    let rules = scratch.path().join("sigma/rules");
    fs::create_dir_all(&rules).unwrap();
    let titles = [
        "a ]] b [[c",
        "bar | pipe",
        "# heading",
        "q\\\"uote 'x'",
        "back `tick`",
        "`$= dv.pages()`",
        "`= this.file`",
        "key:: value",
        "[key:: value]",
        "(key:: value)",
        "<script>alert(1)</script>",
        "../../../etc/passwd",
        "C:\\\\windows\\\\x",
        "%% comment %%",
        "![[embed]]",
        "CON",
        "nul.txt",
        "...",
        "5 minutes",
        "2024-01-01",
        "---",
        "^block",
        "$$x$$",
        "{{template}}",
        "=equals",
        "a\\tb\\u0000c",
        "\\u202Ereversed",
        "T1102 - Web Service",
        "<% tp.system.prompt() %>",
        "x <%* tR += 1 -%>",
    ];
    for (number, title) in titles.iter().enumerate() {
        let name = if number == 0 { "CON.yml".to_owned() } else { format!("r{number}.yml") };
        let text = format!(
            "title: \"{title}\"\nid: 00000000-0000-4000-8000-{number:012}\nstatus: \"{title}\"\nauthor: \"{title}\"\ndescription: \"{title}\\n\\n```\\nx:: y\\n```\\n\\n[k:: v] <img src=x onerror=alert(1)>\"\nreferences:\n    - \"javascript:alert(1)\"\n    - \"https://a.example/{number}?]]|`[x](y)\"\ntags: [attack.t1102]\nlogsource: {{category: \"{title}\"}}\nfalsepositives: [\"{title}\"]\ndetection:\n    fe80: {{cs-host: \"{title}\"}}\n    condition: fe80\n    # key:: value\n- leak:: value\n"
        );
        let text = text.replace("- leak:: value\n", "");
        fs::write(rules.join(name), text).unwrap();
    }
    let long = format!(
        "title: long\nid: 11111111-0000-4000-8000-000000000001\ndescription: \"{}\"\ntags: [attack.t1102]\nlogsource: {{category: proxy}}\ndetection:\n    s: {{cs-host: \"{}\"}}\n    condition: s\n",
        "x".repeat(1_000_000),
        "y".repeat(1_000_000)
    );
    fs::write(rules.join("long.yml"), long).unwrap();
    let bomb = (1..30).fold("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
    });
    fs::write(rules.join("bomb.yml"), bomb).unwrap();
    fs::write(rules.join("binary.yml"), [0xff, 0xfe, 0, 1, 2]).unwrap();
    fs::write(rules.join("deep.yml"), "[".repeat(100_000)).unwrap();
    let notes = scratch.path().join("notes");
    fs::create_dir_all(&notes).unwrap();
    fs::write(notes.join("hostile.md"), "---\ntags: [T1102]\nowner: \"[[x]]\"\n\"bad key ]]\": 1\n---\n\n## N ]] | `$= x`\n\n### Own\n\nkey:: value\n[a:: b]\n<script>x</script>\n`$= dv`\n- [l](javascript:x) [[Nowhere]]\n").unwrap();
    let vault = scratch.path().join("vault");
    let sigma = scratch.path().join("sigma");
    let arguments = [
        "vault",
        "build",
        "--notes",
        notes.to_str().unwrap(),
        "--sigma",
        sigma.to_str().unwrap(),
        "--attack",
        ATTACK,
        "--all",
        vault.to_str().unwrap(),
    ];
    let summary = run(&arguments);
    assert!(
        summary.contains("bomb.yml") && summary.contains("deep.yml"),
        "a file that cannot be read is reported: {summary}"
    );
    checks_clean(&vault);
    queries_hold(&vault);
    for (path, (bytes, _)) in snapshot(&vault) {
        let text = String::from_utf8(bytes).unwrap();
        // Templater runs commands in any part of a new file, in properties and in code too.
        assert!(!text.contains("<%"), "a template command in {}", path.display());
        // Obsidian shows the text of properties as it is; it is neither rendered nor run.
        let body = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .map_or(text.as_str(), |(_, body)| body);
        let outside_code: String = body.split("```").step_by(2).collect();
        for bad in ["<script", "<img", "](javascript:", "`$=", "`= ", "[[Nowhere]]", "![["] {
            assert!(!outside_code.contains(bad), "{bad} in {}", path.display());
        }
    }
    assert_eq!(
        fs::read_dir(scratch.path()).unwrap().count(),
        3,
        "nothing is written outside of the vault"
    );
    assert!(run(&arguments).contains(" 0 files written"));
}

#[test]
fn the_full_corpora_give_a_vault_without_defects() {
    let parts = ["sigma", "elastic", "splunk", "atomic", "attack", "d3fend", "../notes"];
    let Some(corpora) = corpora::folder(&parts) else { return };
    let scratch = tempfile::tempdir().unwrap();
    let path = |part: &str| corpora.join(part).to_str().unwrap().to_owned();
    let (sigma, elastic, splunk, atomic, attack, d3fend, samples) = (
        path("sigma"),
        path("elastic"),
        path("splunk"),
        path("atomic"),
        path("attack/enterprise-attack/enterprise-attack-18.1-slim.json"),
        path("d3fend"),
        path("../notes"),
    );
    let mut arguments = vec![
        "vault",
        "build",
        "--notes",
        "knowledge/notes",
        "--sigma",
        &sigma,
        "--elastic",
        &elastic,
        "--splunk",
        &splunk,
        "--atomic",
        &atomic,
        "--attack",
        &attack,
        "--d3fend",
        &d3fend,
    ];
    if Path::new(&samples).is_dir() {
        arguments.extend(["--notes", &samples]);
    }
    let vault = scratch.path().to_str().unwrap();
    // This repository's own project file says otherwise.
    arguments.extend(["--links", "wiki", "--all", vault]);
    run(&arguments);
    checks_clean(scratch.path());
    let page = fs::read_to_string(
        scratch.path().join("Techniques/T1102.002 - Web Service - Bidirectional Communication.md"),
    )
    .unwrap();
    for rule in [
        "Github Self-Hosted Runner Execution",
        "Potentially Suspicious Azure Front Door Connection",
        "Telegram API Access",
        "Telegram Bot API Request",
        "AWS CLI Command with Custom Endpoint URL",
        "Connection to Common Large Language Model Endpoints",
        "Connection to Commonly Abused Web Services",
        "DNS to Commonly Abused Web Services",
        "Google Calendar C2 via Script Interpreter",
        "Linux Telegram API Request",
        "Potential Etherhiding C2 via Blockchain Connection",
        "Statistical Model Detected C2 Beaconing Activity",
        "Statistical Model Detected C2 Beaconing Activity with High Confidence",
        "Suspicious Curl to Google App Script Endpoint",
    ] {
        assert!(page.contains(&format!("|{rule}]] (at the proxy: ")), "{rule}");
    }
    for part in [
        "#### Sigma 4 rules",
        "#### Elastic 11 rules",
        "table without id\nfile.link AS \"Name\",\nstatus AS \"Status\",\nlevel AS \"Level\",\nlogsrc_product AS \"Log Source Product\"\nFROM \"Detection Rules\" AND #T1102_002\n",
        "TABLE without id\nfilename AS \"Name\"\nFROM \"Testing Runbooks\" AND #T1102_002\n",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // A reach is blank where nobody outside of the technique asks for the same.
    for (title, n_filled) in
        [("Fields filtered most", 4), ("Top indicator values", 4), ("Exclusions", 4)]
    {
        let part = page.split(&format!("#### {title}")).nth(1).unwrap();
        let table = part.split("\n#").next().unwrap();
        let rows: Vec<Vec<&str>> = table
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'))
            .map(|line| line.split(" | ").map(str::trim).collect())
            .collect();
        assert!(rows.len() > 10, "{title}: {} rows", rows.len());
        for row in &rows {
            assert!(row.len() >= n_filled && !row[..n_filled].contains(&""), "{title}: {row:?}");
        }
        if title == "Top indicator values" {
            let reach = rows.iter().filter_map(|row| row.get(4)?.parse::<usize>().ok());
            assert!(reach.filter(|n_rules| *n_rules > 0).count() > 5, "{rows:?}");
        }
    }
    // `cargo xtask test` runs every query of such a vault.
    assert!(run(&arguments).contains(" 0 files written"));
}

/// A Sigma rule with its own id.
fn sigma_rule(number: usize) -> String {
    format!(
        "title: Upload {number}\nid: 0b7b1f6e-5c7e-4a52-8f5b-{number:012}\ntags: [attack.t1567]\nlogsource: {{category: proxy}}\ndetection:\n    s: {{cs-host: h{number}.example}}\n    condition: s\n"
    )
}

#[test]
fn a_wrong_path_never_empties_a_vault() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = scratch.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let (repository, few, other) = (folder("repo"), folder("few"), folder("other"));
    fs::create_dir_all(repository.join("rules/proxy")).unwrap();
    for number in 0..40 {
        let path = repository.join(format!("rules/proxy/{number}.yml"));
        fs::write(path, sigma_rule(number)).unwrap();
    }
    fs::write(few.join("own.yml"), sigma_rule(1)).unwrap();
    for name in ["other.yml", "other.yaml", "other.json", "other.toml", "other.md"] {
        fs::write(other.join(name), "[]\n").unwrap();
    }
    let vault = scratch.path().join("vault");
    let at = |path: &Path| path.to_str().unwrap().to_owned();
    let build = |options: &[&str]| {
        let mut command = tidegate(&["vault", "build"]);
        let output =
            command.args(options).arg(&vault).current_dir(scratch.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = build(&["--sigma", &at(&repository)]);
    assert_eq!(code, Some(0), "{said}");
    let before = snapshot(&vault);
    // Deeper in the same copy: the same rules.
    let (code, said) = build(&["--sigma", &at(&repository.join("rules"))]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 tombstones"), "{said}");
    let rules = |vault: &Path| {
        let name = |path: PathBuf| path.strip_prefix(vault).unwrap().to_owned();
        pages(vault).into_iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(
        rules(&vault).len(),
        before.keys().filter(|path| path.extension().is_some_and(|it| it == "md")).count()
    );
    let before = snapshot(&vault);
    // Nothing of its kind: an error, and nothing is written.
    for option in ["--sigma", "--elastic", "--splunk", "--atomic", "--d3fend", "--notes"] {
        let (code, said) = build(&["--sigma", &at(&repository), option, &at(&other)]);
        let (code, said) = match option {
            "--sigma" => build(&[option, &at(&other)]),
            _ => (code, said),
        };
        assert_eq!(code, Some(1), "{option}: {said}");
        assert!(said.contains("F002"), "{option}: {said}");
        assert!(snapshot(&vault) == before, "{option}");
    }
    // Another folder with rules: it would bury most pages.
    let (code, said) = build(&["--sigma", &at(&few)]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("lack 39 pages of the vault's"), "{said}");
    assert!(snapshot(&vault) == before);
    // An option that is left out: its pages stay.
    let notes = folder("notes");
    let note = "---\nkind: service\nservice: Drop\ncategory: storage\nhosts: [drop.example]\n---\n\n# Drop\n\nWords.\n";
    fs::write(notes.join("drop.md"), note).unwrap();
    let (code, said) = build(&["--notes", &at(&notes)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 0 tombstones") && said.contains("stay as they are"), "{said}");
    // The whole source again: nothing was lost. One rule less: a tombstone.
    let (code, said) = build(&["--sigma", &at(&repository), "--notes", &at(&notes)]);
    assert_eq!(code, Some(0), "{said}");
    fs::remove_file(repository.join("rules/proxy/7.yml")).unwrap();
    let (code, said) = build(&["--sigma", &at(&repository), "--notes", &at(&notes)]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(" 1 tombstone,"), "{said}");
}

#[test]
fn a_duplicate_id_is_reported() {
    let scratch = tempfile::tempdir().unwrap();
    let sigma = scratch.path().join("sigma");
    for folder in ["a", "b"] {
        fs::create_dir_all(sigma.join(folder)).unwrap();
        fs::write(sigma.join(folder).join("r.yml"), sigma_rule(1)).unwrap();
    }
    let vault = scratch.path().join("vault");
    let build = ["vault", "build", "--sigma", sigma.to_str().unwrap(), vault.to_str().unwrap()];
    let said = run(&build);
    assert!(said.contains("duplicate: b/r.yml: the id 0b7b1f6e-5c7e-4a52-8f5b-000000000001 is that of a rule in a/r.yml too"), "{said}");
}

/// The text of the only page whose path ends so.
fn page(vault: &Path, end: &str) -> String {
    let found = pages(vault).into_iter().find(|path| path.to_str().unwrap().ends_with(end));
    fs::read_to_string(found.unwrap()).unwrap()
}

#[test]
fn pages_say_what_a_vendors_rule_says() {
    let scratch = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let elastic = |name: &str, kind: &str, rest: &str| {
        format!(
            "[metadata]\nmaturity = \"production\"\n[rule]\nname = \"{name}\"\nrule_id = \"{name}\"\ntype = \"{kind}\"\nlanguage = \"kuery\"\nquery = 'destination.domain : \"drop.example\"'\nsetup = \"Needs a beat.\"\nnote = \"\"\"## Triage and analysis\n\n### Possible investigation steps\n\n- Find the [process](https://a.example).\n\n### False positive analysis\n\n- Support staff.\n\n### Response and remediation\n\n- Isolate the host.\n\"\"\"\n{rest}\n[[rule.threat]]\n[[rule.threat.technique]]\nid = \"T1567\"\n[rule.threat.tactic]\nname = \"Exfiltration\"\n"
        )
    };
    write("elastic/plain.toml", &elastic("Plain", "query", ""));
    write(
        "elastic/many.toml",
        &elastic("Many", "threshold", "[rule.threshold]\nfield = [\"host.id\"]\nvalue = 500"),
    );
    write(
        "splunk/detections/network/d.yml",
        "name: Drop\nid: 0c1f2e3d-1111-4222-8333-444455556666\ncreation_date: '2025-04-03'\nmodification_date: '2026-10-08'\nstatus: production\ntype: TTP\nsearch: '| tstats count from datamodel=Web where Web.dest=\"drop.example\"'\nhow_to_implement: Needs proxy logs.\nmitre_attack_id: [T1567]\n",
    );
    write(
        "splunk/removed/detections/old.yml",
        "name: Old\nid: 0c1f2e3d-1111-4222-8333-444455556667\ntype: TTP\nsearch: x\nmitre_attack_id: [T1567]\n",
    );
    write(
        "atomics/T1567/T1567.yaml",
        "attack_technique: T1567\natomic_tests:\n- name: Zip and send\n  auto_generated_guid: 11111111-2222-4333-8444-555566667777\n  dependencies:\n  - description: the tool must be there\n    prereq_command: test -x tool\n    get_prereq_command: get tool\n  executor: {name: sh, command: tool}\n- name: By hand\n  auto_generated_guid: 11111111-2222-4333-8444-555566667778\n  executor: {name: manual, steps: Open.}\n",
    );
    let vault = scratch.path().join("vault");
    let at = |path: &str| scratch.path().join(path).to_str().unwrap().to_owned();
    let build = |options: &[&str]| {
        let output = tidegate(&["vault", "build"])
            .args(options)
            .arg(&vault)
            .current_dir(scratch.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    // Tests alone name techniques too.
    build(&["--atomic", &at("atomics")]);
    let tests = page(&vault, "T1567 - Tests - Exfiltration Over Web Service.md");
    let order: Vec<usize> = [
        "### Atomic Test #1: Zip and send",
        "#### Prerequisites of test #1",
        "the tool must be there",
        "test -x tool",
        "get tool",
        "#### Steps of test #1",
        "### Atomic Test #2: By hand",
    ]
    .iter()
    .map(|text| tests.find(text).unwrap_or_else(|| panic!("{text} in {tests}")))
    .collect();
    assert!(order.is_sorted(), "{tests}");

    build(&["--atomic", &at("atomics"), "--elastic", &at("elastic"), "--splunk", &at("splunk")]);
    let plain = page(&vault, "Detection Rules/Plain.md");
    for part in [
        "### Response\n\n- Isolate the host.",
        "### False Positives\n\n- Support staff.",
        "### Investigation Guide\n\n#### Triage and analysis\n\n##### Possible investigation steps\n\n- Find the [process](https://a.example).",
        "### Setup\n\nNeeds a beat.",
        "Decidable at the proxy: yes",
    ] {
        assert!(plain.contains(part), "{part} in {plain}");
    }
    assert_eq!(plain.matches("Isolate the host").count(), 1);
    let many = page(&vault, "Detection Rules/Many.md");
    for part in [
        "rule_type: \"threshold\"",
        "- threshold: at least 500 events by host.id",
        "Decidable at the proxy: partly",
    ] {
        assert!(many.contains(part), "{part} in {many}");
    }
    let drop = page(&vault, "Detection Rules/Drop.md");
    for part in [
        "created: 2025-04-03",
        "last_modified: 2026-10-08",
        "### Setup\n\nNeeds proxy logs.",
        "The vendor's rule names no steps",
    ] {
        assert!(drop.contains(part), "{part} in {drop}");
    }
    assert!(!pages(&vault).iter().any(|path| path.ends_with("Detection Rules/Old.md")));
    checks_clean(&vault);
    queries_hold(&vault);
}
