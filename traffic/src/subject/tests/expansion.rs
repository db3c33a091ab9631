//! Texts that a few lines expand to more than memory has.

use super::*;
use crate::limits::MIN_EXPANSION_BYTES;

/// How often a value is doubled: to terabytes.
const N_DOUBLINGS: usize = 40;

/// A script of a first line, a line for each doubling in which `NEW` is the next name and `OLD` the last, and a last
/// line with `OLD`.
fn doubled(first: &str, step: &str, last: &str) -> String {
    let names = |line: &str, idx: usize| {
        line.replace("NEW", &format!("a{}", idx + 1)).replace("OLD", &format!("a{idx}"))
    };
    let steps: String = (0..N_DOUBLINGS).map(|idx| names(step, idx) + "\n").collect();
    format!("{}\n{steps}{}\n", names(first, 0), names(last, N_DOUBLINGS))
}

/// The codes of a text, how many requests it gives, and how many bytes they have.
fn read_all(text: &str) -> (Vec<&'static str>, usize, usize) {
    let mut findings = Findings::new(&"request".into());
    let requests = read(text, &mut findings);
    let codes = findings.into_list().iter().map(|found| found.diagnostic.code.id).collect();
    let n_bytes = requests.iter().map(|request| {
        let path = request.path.as_ref().map_or(0, Vec::len);
        path + request.user_agent.as_ref().map_or(0, Vec::len)
    });
    (codes, requests.len(), n_bytes.sum())
}

#[test]
fn values_that_double_are_refused() {
    let url = "https://a.example/x";
    let text = |first: &str| format!("{first}\"{url}\"");
    for (first, step, last) in [
        (text("$OLD = "), r#"$NEW = "$OLD$OLD""#, "iwr $OLD"),
        (text("$OLD = "), r#"$NEW = "${OLD}${OLD}""#, "iwr $OLD"),
        (text("$OLD = "), r#"$NEW = "$($OLD)$($OLD)""#, "iwr $OLD"),
        (text("$OLD = "), "$NEW = @\"\n$OLD$OLD\n\"@", "iwr $OLD"),
        (text("$a = "), r#"$a = "$a$a""#, "iwr $a"),
        (text("const OLD = "), "const NEW = `${OLD}${OLD}`;", "fetch(OLD);"),
        (text("const OLD = "), "const NEW = '' + OLD + OLD;", "fetch(OLD);"),
        (text("let a = "), "a = `${a}${a}`;", "fetch(a);"),
        (text("const OLD = "), "const NEW = [OLD, OLD];", "fetch('https://a.example/', OLD);"),
        (
            text("const OLD = "),
            "const NEW = {a: OLD, b: OLD};",
            "fetch('https://a.example/', OLD);",
        ),
        (
            "const OLD = {a: 1};".to_owned(),
            "const NEW = {...OLD, b: OLD, c: OLD};",
            "axios.get('https://a.example/', {headers: OLD});",
        ),
        ("const OLD = [];".to_owned(), "const NEW = [OLD, OLD];", "fetch(OLD);"),
        (text("import requests\nOLD = "), "NEW = f\"{OLD}{OLD}\"", "requests.get(OLD)"),
        (
            text("import requests\nOLD = "),
            "NEW = f\"{OLD}\" f\"{OLD}\"",
            "requests.get('https://a.example/', headers={'a': OLD})",
        ),
        (text("import requests\nOLD = "), "NEW = '' + OLD + OLD", "requests.get(OLD)"),
        (text("import requests\nOLD = "), "NEW = [OLD, OLD]", "requests.post('u', json=OLD)"),
        (
            text("import requests\nOLD = "),
            "NEW = {'a': OLD, 'b': OLD}",
            "requests.get('https://a.example/', params=OLD)",
        ),
        (text("<?php\n$OLD = "), "$NEW = \"{$OLD}{$OLD}\";", "curl_init($OLD);"),
    ] {
        let script = doubled(&first, step, last);
        assert_eq!(read_all(&script), (vec!["R013"], 0, 0), "{script}");
    }
}

#[test]
fn long_values_that_are_used_often_are_refused() {
    let value = "x".repeat(100_000);
    let uses = |one: &str| one.repeat(1_000);
    for text in [
        format!("$a=\"{value}\"\niwr \"http://a.example/{}\"\n", uses("$a")),
        format!("const a=\"{value}\";\nfetch(`http://a.example/{}`);\n", uses("${a}")),
        format!(
            "import requests.adapters\na=\"{value}\"\nrequests.get(f\"http://a/{}\")\n",
            uses("{a}")
        ),
        format!("<?php\n$a = \"{value}\";\n{}", uses("curl_init($a);")),
        // What one command says is in each of its requests.
        format!("curl -A {value}{}", uses(" a.example/x")),
        format!("curl -H cookie:{value}{}", uses(" a.example/x")),
        format!("curl --url-query {value}{}", uses(" a.example/x")),
        format!("curl \"https://a.example/{value}[1-1000]\""),
        format!("curl https://a.example/{}", "[1-9]".repeat(40_000)),
        format!("curl https://a.example/{}", "{a,b}[1-256]".repeat(20_000)),
        format!("curl https://a.example/{}", "{,}".repeat(60_000)),
        format!("curl -T \"{{a,b,c,d,e,f,g,h,i,j,k,l,m,n}}\" https://a.example/{value}/"),
        format!("wget -U {value}{}", uses(" a.example/x")),
        format!("aria2c -U {value}{}", uses(" http://a.example/x")),
        format!(
            "$s=New-Object X;$s.UserAgent=\"{value}\";{}",
            uses("iwr http://a.example/ -WebSession $s;")
        ),
        format!("$h=@{{A=\"{value}\"}};{}", uses("iwr http://a.example/ -Headers $h;")),
        format!("$h=@{{UserAgent=\"{value}\"}};{}", uses("iwr http://a.example/ @h;")),
        format!("iwr {}", uses("iwr ").repeat(10)),
        format!("irm a.example; curl {}", uses("curl ").repeat(10)),
    ] {
        let shown = text.get(..60).unwrap_or(&text);
        let (codes, n_requests, _) = read_all(&text);
        assert_eq!((codes, n_requests), (vec!["R013"], 0), "{shown}");
    }
}

#[test]
fn what_all_requests_of_a_text_expand_to_is_bounded_together() {
    let url = "https://a.example/x";
    let one = format!(
        "$a = \"{}\"\n{}iwr \"{url}?$a\"\n\n",
        "x".repeat(16),
        "$a = \"$a$a\"\n".repeat(14)
    );
    let text = format!("{}{url}\n", one.repeat(100));
    let (codes, n_requests, n_bytes) = read_all(&text);
    assert_eq!(codes, ["R013"]);
    assert!(n_requests < 10 && n_bytes < 2 * MIN_EXPANSION_BYTES, "{n_requests} {n_bytes}");
}

#[test]
fn what_is_written_out_a_few_times_is_read() {
    let value = "x".repeat(20_000);
    for (text, expect) in [
        (format!("$a=\"{value}\"\niwr \"http://a.example/$a$a$a\"\n"), 60_001),
        (format!("const a=\"{value}\";\nfetch(`http://a.example/${{a}}${{a}}`);\n"), 40_001),
        ("curl http://a.example/[1-100]".to_owned(), 100 * 11 + 292),
        (format!("curl http://a.example/{value}"), 20_001 + 11),
    ] {
        let (codes, _, n_bytes) = read_all(&text);
        assert_eq!(codes, [""; 0], "{}", text.get(..60).unwrap_or(&text));
        let agent = if text.starts_with('$') { power_shell::DEFAULT_USER_AGENT.len() } else { 0 };
        assert_eq!(n_bytes, expect + agent);
    }
}
