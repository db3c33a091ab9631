//! The collections of the corpora: what is read, counted against what is known of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;

fn files(root: &Path, folder: &Path, found: &mut Vec<(String, PathBuf)>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(root, &path, found);
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            found.push((relative, path));
        }
    }
}

struct Read {
    rules: Vec<CatalogueRule>,
    n_retired: usize,
    broken: Vec<String>,
}

#[expect(clippy::disallowed_methods, reason = "a test over files")]
fn read_all(vendor: Collection, root: &Path) -> Read {
    let mut found = Vec::new();
    files(root, root, &mut found);
    let mut read = Read { rules: Vec::new(), n_retired: 0, broken: Vec::new() };
    for (relative, path) in found {
        if !is_rule_path(vendor, &relative) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        match read_rules(vendor, &relative, &text) {
            Ok(rules) => read.rules.extend(rules),
            Err(Skipped::Retired) => read.n_retired += 1,
            Err(Skipped::Broken(why)) => read.broken.push(format!("{relative}: {why}")),
        }
    }
    read
}

fn count(rules: &[CatalogueRule], technique: &str) -> usize {
    rules.iter().filter(|rule| rule.techniques.iter().any(|id| id == technique)).count()
}

#[test]
fn rules_per_technique_and_collection_are_those_of_the_table() {
    let Some(corpora) = corpora::folder(&["sigma", "elastic", "splunk"]) else { return };
    let sigma = read_all(Collection::Sigma, &corpora.join("sigma"));
    let elastic = read_all(Collection::Elastic, &corpora.join("elastic"));
    let splunk = read_all(Collection::Splunk, &corpora.join("splunk"));
    assert_eq!((&sigma.broken, &elastic.broken, &splunk.broken), (&vec![], &vec![], &vec![]));
    assert_eq!((sigma.rules.len(), elastic.rules.len(), splunk.rules.len()), (3_780, 2_068, 1_613));
    assert_eq!((elastic.n_retired, splunk.n_retired), (124, 98));
    for (technique, n_sigma, n_elastic, n_splunk) in [
        ("T1102", 13, 19, 4),
        ("T1102.001", 4, 5, 0),
        ("T1102.002", 4, 11, 0),
        ("T1102.003", 2, 2, 0),
        ("T1567", 12, 26, 5),
        ("T1567.001", 2, 9, 0),
        ("T1567.002", 14, 14, 1),
        ("T1567.003", 0, 4, 0),
        ("T1567.004", 0, 1, 0),
        ("T1071", 7, 98, 9),
        ("T1071.001", 42, 30, 0),
        ("T1071.004", 17, 14, 2),
        ("T1090", 22, 22, 7),
        ("T1090.001", 6, 2, 2),
        ("T1090.002", 2, 6, 0),
        ("T1090.003", 3, 2, 1),
        ("T1090.004", 1, 0, 0),
        ("T1572", 24, 25, 4),
        ("T1568", 2, 11, 0),
        ("T1568.002", 2, 10, 2),
        ("T1583.006", 0, 1, 0),
        ("T1105", 87, 67, 25),
    ] {
        let found = (
            count(&sigma.rules, technique),
            count(&elastic.rules, technique),
            count(&splunk.rules, technique),
        );
        assert_eq!(found, (n_sigma, n_elastic, n_splunk), "{technique}");
    }
}

#[test]
fn queries_are_read_and_what_is_not_exact_is_counted() {
    let Some(corpora) = corpora::folder(&["elastic", "splunk"]) else { return };
    let mut rules = read_all(Collection::Elastic, &corpora.join("elastic")).rules;
    rules.extend(read_all(Collection::Splunk, &corpora.join("splunk")).rules);
    let mut counts: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut unread: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for rule in &rules {
        let entry = counts.entry(rule.language).or_default();
        entry.1 += 1;
        match &rule.reading {
            Reading::Read(expression) => {
                entry.0 += 1;
                entry.2 += expression.tests().len();
                for (reason, n) in expression.unread() {
                    *unread.entry((rule.language, reason)).or_default() += n;
                }
            }
            Reading::Refused(why) => eprintln!("{} {}: {why}", rule.language, rule.path),
            Reading::NoQuery(_) => {}
        }
    }
    for ((language, reason), n) in &unread {
        eprintln!("{language}: {n} × {reason}");
    }
    eprintln!("{counts:?}");
    let accepted = |language| counts.get(language).map(|(read, all, _)| (*read, *all));
    assert_eq!(accepted("eql"), Some((1_024, 1_024)));
    assert_eq!(accepted("kql"), Some((729, 729)));
    assert_eq!(accepted("esql"), Some((209, 209)));
    let (read, all) = accepted("spl").unwrap();
    assert!(read >= 1_600 && all == 1_613, "{read} of {all}");
}

#[test]
fn newer_schemas_of_splunk_are_read() {
    let Some(corpora) = corpora::folder(&["splunk-newer"]) else { return };
    let read = read_all(Collection::Splunk, &corpora.join("splunk-newer"));
    assert_eq!(read.broken, Vec::<String>::new());
    assert!(read.rules.iter().all(|rule| !rule.techniques.is_empty()), "{:?}", read.rules);
    let path = corpora.join("splunk-newer/detections/network");
    assert!(std::fs::read_dir(path).unwrap().count() > 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test over files")]
fn attack_is_read_with_what_it_says_about_a_technique() {
    let Some(corpora) = corpora::folder(&["attack"]) else { return };
    let name = "enterprise-attack-18.1-slim.json";
    let text =
        std::fs::read_to_string(corpora.join("attack/enterprise-attack").join(name)).unwrap();
    let attack = attack::read(name, &text).unwrap();
    assert_eq!((attack.version.as_str(), attack.stix.as_str()), ("18.1", "2.0"));
    let living = attack.techniques.values().filter(|technique| technique.retired.is_none()).count();
    assert_eq!(living, 691);
    let technique = &attack.techniques["T1102.002"];
    assert_eq!(attack.full_name("T1102.002").unwrap(), "Web Service: Bidirectional Communication");
    assert_eq!(technique.modified, "2025-10-24");
    assert_eq!(technique.tactics, ["command-and-control"]);
    assert!(
        technique.procedures.len() > 20
            && technique.mitigations.len() == 2
            && technique.strategies.len() == 1
    );
    assert!(attack.notice.contains("MITRE"));

    // The same in STIX 2.1: the version is on each object.
    let newer = text.replacen("\"spec_version\": \"2.0\"", "\"x\": 0", 1).replace(
        "\"type\": \"attack-pattern\"",
        "\"spec_version\": \"2.1\", \"type\": \"attack-pattern\"",
    );
    let newer = attack::read(name, &newer).unwrap();
    assert_eq!(newer.techniques.len(), attack.techniques.len());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test over files")]
fn countermeasures_are_found_through_superclasses_and_parents() {
    let Some(corpora) = corpora::folder(&["d3fend"]) else { return };
    let folder = corpora.join("d3fend");
    let text = std::fs::read_to_string(folder.join("src/ontology/d3fend-protege.ttl")).unwrap();
    let ontology = d3fend::read_ontology(&text).unwrap();
    let twelve = [
        "D3-CSPP",
        "D3-EF",
        "D3-ITF",
        "D3-NTCD",
        "D3-NTF",
        "D3-NTSA",
        "D3-OTF",
        "D3-PHDURA",
        "D3-PMAD",
        "D3-RPA",
        "D3-RTSD",
        "D3-UGLPA",
    ];
    assert_eq!(ontology.for_technique("T1102"), twelve);
    assert_eq!(ontology.for_technique("T1102.002"), twelve);

    // All of the derived map, by technique.
    let csv = std::fs::read_to_string(folder.join("derived/d3fend-attack-map.csv")).unwrap();
    let mut expect: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let id = line.split(',').next().unwrap();
        let countermeasure = line.split(',').find(|part| part.starts_with("D3-")).unwrap();
        expect.entry(id).or_default().insert(countermeasure);
    }
    let differing: Vec<_> = expect
        .iter()
        .filter(|(id, expect)| {
            ontology.for_technique(id) != expect.iter().copied().collect::<Vec<_>>()
        })
        .map(|(id, expect)| (*id, expect.len(), ontology.for_technique(id).len()))
        .collect();
    assert!(
        differing.is_empty(),
        "{} of {}: {:?}",
        differing.len(),
        expect.len(),
        &differing[..differing.len().min(12)]
    );

    let mapping =
        std::fs::read_to_string(folder.join("derived/d3fend-mappings-websvc.sparql.json")).unwrap();
    assert_eq!(d3fend::read_mapping(&mapping).unwrap().for_technique("T1102"), twelve);
    let one = std::fs::read_to_string(folder.join("derived/offensive-technique/attack/T1102.json"))
        .unwrap();
    assert_eq!(d3fend::read_mapping(&one).unwrap().for_technique("T1102.003"), twelve);
}

#[test]
fn ids_and_dates_have_one_form() {
    for (text, expect) in [
        ("attack.t1102.002", Some("T1102.002")),
        ("T1102_002", Some("T1102.002")),
        ("T1102", Some("T1102")),
        ("t1", None),
        ("T1102.02", None),
        ("tlp.red", None),
    ] {
        assert_eq!(technique_id(text).as_deref(), expect, "{text}");
    }
    for (text, expect) in [
        ("2018/06/05", Some("2018-06-05")),
        ("2018-6-5", Some("2018-06-05")),
        ("2020-03-14T10:00:00Z", Some("2020-03-14")),
        ("2020-13-01", None),
        ("yesterday", None),
        ("2020-01-01-01", None),
    ] {
        assert_eq!(iso_date(text).as_deref(), expect, "{text}");
    }
}

#[test]
fn every_document_of_a_sigma_file_is_a_rule() {
    let rule = |title: &str, host: &str| {
        format!(
            "title: {title}\nid: {host}\nname: {title}\ntags: [attack.t1567]\nlogsource: {{category: proxy}}\ndetection:\n    s: {{cs-host: {host}}}\n    condition: s\n"
        )
    };
    let correlation = "title: many\ncorrelation:\n    type: event_count\n    rules: [one]\n    group-by: [c-ip]\n    timespan: 5m\n    condition: {gte: 10}\nlevel: high\n";
    let ids = ["0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b60", "0b7b1f6e-5c7e-4a52-8f5b-7c3d1f1a2b62"];
    let (one, two) = (rule("one", ids[0]), rule("two", ids[1]));
    let placeholder = "title: three\ndetection:\n    s: {cs-host|expand: \"%hosts%\"}\n    condition: s\nlogsource: {category: proxy}\n";
    let text = format!("{one}---\n{correlation}---\n{two}---\n{placeholder}");
    let rules = read_rules(Collection::Sigma, "own/any/folder.yml", &text).unwrap();
    let read: Vec<_> = rules.iter().map(|rule| (rule.title.as_str(), rule.text.as_str())).collect();
    let expect =
        [("one", one.as_str()), ("many", correlation), ("two", &two), ("three", placeholder)];
    assert_eq!(read, expect);
    assert_eq!(rules[1].level.as_deref(), Some("high"));

    let alone = read_rules(Collection::Sigma, "corr.yml", correlation).unwrap();
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0].text, correlation);
}

#[test]
fn sigma_rules_are_read_in_any_layout_and_other_files_are_passed_over() {
    for (path, expect) in [
        ("drop.yml", true),
        ("proxy/drop.yml", true),
        ("rules/web/drop.yaml", true),
        ("deprecated/web/drop.yml", false),
        (".github/workflows/test.yml", false),
        ("tests/drop.yml", false),
        ("rules/README.md", false),
    ] {
        assert_eq!(is_rule_path(Collection::Sigma, path), expect, "{path}");
    }
    let compose = "services:\n    envoy: {image: envoy}\n";
    assert!(matches!(read_rules(Collection::Sigma, "c.yml", compose), Err(Skipped::Retired)));
    let broken = "title: x\nlogsource: {category: proxy}\n";
    assert!(matches!(read_rules(Collection::Sigma, "c.yml", broken), Err(Skipped::Broken(_))));
}
