//! The shipped service notes: every host of a rule belongs to one, every request built from one is found to
//! be its own, and a policy about it holds for all of its names.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads files"
)]

mod shipped;

use std::collections::{BTreeMap, BTreeSet};

use diagnostics::SourceFile;
use inspect::pack::{Mode, Operation, Pack, PartKind};
use inspect::{IdentityKey, Inspector, PolicyQuery, Request, ServiceMatch, Source};
use knowledge::{
    Compilation, Expectation, Library, Policy, Service, Template, TemplatePart, examples,
};
use shipped::notes;
use sigma::{Token, ValueTest};

fn library() -> Library {
    let library = Library::read(notes());
    let errors: Vec<_> = library.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    library
}

fn pack(library: &Library) -> Pack {
    Compilation::new(library, "shipped", 1).unwrap().pack
}

/// The service of a URL, by its name.
fn attributed<'p>(pack: &'p Pack, host: &str, path: &str) -> Option<&'p str> {
    let found = ServiceMatch::of(pack.tables(), host.as_bytes(), Some(path.as_bytes()))?;
    Some(pack.tables().str(found.name))
}

/// Hosts that rules name and no service has, each with the reason.
const EXCUSED: &[(&str, &str)] = &[
    (
        "breakdev.org",
        "the site to which a server with pwndrop's defaults sends visitors; nobody can upload there",
    ),
    ("www.w3.org", "all of W3C; the rule asks for the paths of its services that fetch a page"),
    ("www.google.com", "all of Google; the rule asks for Calendar's paths there"),
];

#[test]
fn every_host_of_a_shipped_rule_belongs_to_a_service_or_is_excused() {
    let library = library();
    let pack = pack(&library);
    let mut n_hosts = 0;
    let mut unknown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut excused = BTreeSet::new();
    for entry in &library.rules {
        for selection in &entry.rule.selections {
            selection.search.items(&mut |item| {
                if item.field.as_deref() != Some("cs-host") {
                    return;
                }
                for value in &item.values {
                    let ValueTest::Text { variants, .. } = &value.test else { continue };
                    for tokens in variants {
                        let Some(name) = host_name(tokens) else { continue };
                        n_hosts += 1;
                        if attributed(&pack, &name, "/x").is_some() {
                            continue;
                        }
                        let is_excused = |(host, _): &&(&str, &str)| {
                            name == *host || name.ends_with(&format!(".{host}"))
                        };
                        if let Some((host, _)) = EXCUSED.iter().find(is_excused) {
                            excused.insert(*host);
                            continue;
                        }
                        unknown.entry(name).or_default().insert(entry.rule.metadata.title.clone());
                    }
                }
            });
        }
    }
    println!("{n_hosts} host values, {} unknown, {} excused", unknown.len(), excused.len());
    assert!(n_hosts > 600, "{n_hosts}");
    assert!(unknown.is_empty(), "no service has these hosts of rules: {unknown:#?}");
    for (host, reason) in EXCUSED {
        assert!(excused.contains(host), "{host} is excused ({reason}), and no rule names it");
    }
}

/// The name in a value of `cs-host`, with a label in front where the value is the end of a name. `None` where
/// it is no name: a start, a part, a pattern.
fn host_name(tokens: &[Token]) -> Option<String> {
    let (literal, is_end) = match tokens {
        [Token::Literal(literal)] => (literal, false),
        [Token::Many, Token::Literal(literal)] => (literal, true),
        _ => return None,
    };
    let text = String::from_utf8(literal.clone()).unwrap().to_ascii_lowercase();
    let name = text.trim_start_matches('.');
    let is_address = name.chars().all(|char| char.is_ascii_digit() || ".:[]".contains(char));
    if !name.contains('.') || is_address {
        return None;
    }
    Some(if is_end && text.starts_with('.') { format!("x{text}") } else { name.to_owned() })
}

#[test]
fn every_operation_is_found_in_one_request_and_not_in_another() {
    let library = library();
    let mut n_operations = 0;
    for service in &library.services {
        for operation in &service.operations {
            n_operations += 1;
            for wanted in [Expectation::Match, Expectation::Pass] {
                let mut expectations = operation.examples.iter().map(|of| of.expectation);
                assert!(expectations.any(|of| of == wanted), "{} {:?}", service.name, operation);
            }
        }
    }
    let compilation = Compilation::new(&library, "shipped", 1).unwrap();
    let results = examples::run(&library, compilation);
    let failed: Vec<_> = results
        .findings
        .iter()
        .filter(|finding| ["N022", "N023"].contains(&finding.diagnostic.code.id))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    println!("{} services, {n_operations} operations", library.services.len());
}

/// Random numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }

    /// Text that no note has, without dots.
    fn label(&mut self) -> String {
        const LETTERS: &[u8] = b"bcdfghjkmnpqrtvwxz0123456789";
        let letters = (0..6).map(|_| char::from(LETTERS[self.below(LETTERS.len())]));
        letters.collect::<String>() + "qz"
    }

    /// A text that fits parts without slashes.
    fn fill(&mut self, parts: &[TemplatePart]) -> String {
        let text = |part: &TemplatePart| match part.kind {
            PartKind::Text => part.text.clone(),
            PartKind::Slash => "/".to_owned(),
            PartKind::Commit => "1234abcd".to_owned(),
            _ => self.label(),
        };
        parts.iter().map(text).collect()
    }

    /// A URL of a template, without scheme.
    fn url(&mut self, template: &[TemplatePart]) -> String {
        let mut pieces = template.split(|part| part.kind == PartKind::Query);
        let mut url = self.fill(pieces.next().unwrap());
        for (idx, parameter) in pieces.enumerate() {
            let slash = if url.contains('/') { "" } else { "/" };
            let delimiter = if idx == 0 { "?" } else { "&" };
            url = format!("{url}{slash}{delimiter}{}", self.fill(parameter));
        }
        url
    }

    fn path(&mut self, service: &Service) -> String {
        let paths: Vec<_> = service.operations.iter().flat_map(|of| &of.paths).collect();
        if paths.is_empty() || self.below(4) == 0 {
            return format!("/{}", self.label());
        }
        let template = paths[self.below(paths.len())];
        let stem = template.split(|part| part.kind == PartKind::Query).next().unwrap();
        let path = self.fill(stem);
        if path.is_empty() { "/".to_owned() } else { path }
    }
}

/// The names of a service, each as the service writes it and with a label in front.
fn names(service: &Service, random: &mut Random) -> Vec<String> {
    let mut names = Vec::new();
    for host in &service.hosts {
        let name = match host.parts.as_slice() {
            [] => host.text.clone(),
            parts => random.fill(parts),
        };
        if !name.starts_with('[') {
            names.push(format!("{}.{name}", random.label()));
        }
        names.push(name);
    }
    names
}

#[test]
fn a_host_is_listed_by_one_service() {
    let library = library();
    let mut listed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in &library.services {
        for host in &service.hosts {
            listed.entry(&host.text).or_default().push(&service.name);
        }
    }
    listed.retain(|_, services| services.len() > 1);
    assert!(listed.is_empty(), "{listed:#?}");
}

#[test]
fn random_requests_to_a_service_are_its_own() {
    let library = library();
    let pack = pack(&library);
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let mut n_requests = 0;
    let mut wrong = BTreeSet::new();
    for service in &library.services {
        for _ in 0..3 {
            for host in names(service, &mut random) {
                let path = random.path(service);
                n_requests += 1;
                let found = attributed(&pack, &host, &path);
                if found != Some(service.name.as_str()) {
                    wrong.insert(format!("{}: {host}{path} is {found:?}", service.name));
                }
            }
        }
        for template in &service.templates {
            let url = random.url(&template.parts);
            let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
            n_requests += 1;
            let found = attributed(&pack, host, path);
            if found != Some(service.name.as_str()) {
                wrong.insert(format!("{}: {url} is {found:?}", service.name));
            }
        }
    }
    println!("{n_requests} requests");
    assert!(wrong.is_empty(), "{} of {n_requests}: {wrong:#?}", wrong.len());
}

const KEY: IdentityKey = IdentityKey([3; 16]);

/// The shipped services with a rule that matches everything.
fn open_library() -> Library {
    let rule = "title: all\nlogsource: {category: proxy}\nlevel: high\ndetection: {s: {cs-method: GET}, condition: s}\n";
    let mut files = vec![SourceFile { name: "all.yml".into(), bytes: rule.into() }];
    files.extend(notes().into_iter().filter(|file| file.name.contains("/services/")));
    Library::read(files)
}

/// A policy that enforces on a service except for identities of its own.
fn inspector(library: &Library, service: &Service, identities: &[String]) -> Inspector {
    let name = service.name.replace('\'', "''");
    let sanctioned = match identities {
        [] => String::new(),
        some => format!(
            "sanctioned:\n  - {{services: ['{name}'], sources: [builders], identities: ['{}']}}\n",
            some.join("', '")
        ),
    };
    let text = format!(
        "default: monitor\nsources: {{builders: [10.4.0.0/16]}}\nstatements:\n  - {{name: ours, mode: 'off', usage: sanctioned}}\n  - {{name: rest, mode: enforce, services: ['{name}']}}\n{sanctioned}"
    );
    let (policy, findings) = Policy::read(&"policy.yml".into(), &text);
    assert!(findings.is_empty(), "{findings:?}");
    let compilation =
        Compilation::with_policy(library, "test", 1, policy.as_ref(), Some(KEY)).unwrap();
    assert!(compilation.findings.is_empty(), "{:?}", compilation.findings);
    Inspector::new(compilation.pack)
}

fn action(inspector: &mut Inspector, host: &str, path: &str) -> &'static str {
    let request = Request {
        method: b"GET",
        scheme: b"https",
        authority: host.as_bytes(),
        path: Some(path.as_bytes()),
        ..Request::default()
    };
    let verdict = inspector.inspect(&request);
    let source = Source { address: Some(b"10.4.1.1"), ..Source::default() };
    let query =
        PolicyQuery { request: &request, source, now: 0, bound: Mode::Enforce, key: Some(KEY) };
    inspector.pack().decide(&verdict, &query).action.as_str()
}

/// The spellings of S3's endpoints: with a bucket in front, or in the path.
const S3: &[&str] = &[
    "s3.amazonaws.com",
    "s3.us-west-2.amazonaws.com",
    "s3-us-west-2.amazonaws.com",
    "s3.dualstack.eu-central-1.amazonaws.com",
    "s3-fips.us-east-1.amazonaws.com",
    "s3-fips.us-gov-west-1.amazonaws.com",
    "s3-fips.dualstack.us-east-1.amazonaws.com",
    "s3-accelerate.amazonaws.com",
    "s3-accelerate.dualstack.amazonaws.com",
    "s3-website-us-east-1.amazonaws.com",
    "s3-website.eu-central-1.amazonaws.com",
    "s3.cn-north-1.amazonaws.com.cn",
    "s3-external-1.amazonaws.com",
];

/// The namespaces of S3's buckets, a partition of AWS each.
const S3_PARTITIONS: [&str; 3] =
    ["s3.amazonaws.com", "s3.us-gov-east-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn"];

#[test]
fn every_spelling_of_s3_is_denied_when_foreign_and_sanctioned_when_own() {
    let library = open_library();
    let service = library.services.iter().find(|of| of.name == "Amazon S3").unwrap();
    let mut inspector =
        inspector(&library, service, &S3_PARTITIONS.map(|of| format!("acme-builds@{of}")));
    for endpoint in S3 {
        for (bucket, expect) in
            [("evil", "deny"), ("acme-builds", "allow"), ("x.acme-builds", "deny")]
        {
            let host = format!("{bucket}.{endpoint}");
            assert_eq!(action(&mut inspector, &host, "/key"), expect, "{host}");
        }
        let is_path_style = !endpoint.contains("accelerate") && !endpoint.contains("website");
        if is_path_style {
            assert_eq!(action(&mut inspector, endpoint, "/evil/key"), "deny", "{endpoint}");
            assert_eq!(action(&mut inspector, endpoint, "/acme-builds/key"), "allow", "{endpoint}");
        }
        assert_eq!(action(&mut inspector, endpoint, "/"), "deny", "{endpoint}");
    }
}

#[test]
fn a_policy_about_a_service_holds_for_all_of_its_names() {
    let library = open_library();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut n_names, mut n_identities) = (0, 0);
    let mut wrong = BTreeSet::new();
    let pack = pack(&library);
    for service in &library.services {
        let own: Vec<_> = service.templates.iter().map(|of| random.url(&of.parts)).collect();
        let identity = |url: &String| {
            let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
            let tables = pack.tables();
            let found = ServiceMatch::of(tables, host.as_bytes(), Some(path.as_bytes()))?;
            found.identity_text(tables)
        };
        let identities: BTreeSet<String> = own.iter().filter_map(identity).collect();
        let identities: Vec<_> = identities.into_iter().collect();
        let mut inspector = inspector(&library, service, &identities);
        for host in names(service, &mut random) {
            n_names += 1;
            if action(&mut inspector, &host, "/x") != "deny" {
                wrong.insert(format!("{}: {host} is not denied", service.name));
            }
        }
        for (template, own) in service.templates.iter().zip(&own) {
            // Of templates that only have a credential no use is listed.
            if template.n_places() == 0 {
                continue;
            }
            n_identities += 1;
            for (url, expect) in [(own.clone(), "allow"), (random.url(&template.parts), "deny")] {
                let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
                let path = if path.is_empty() { "/" } else { path };
                let action = action(&mut inspector, host, path);
                if action != expect {
                    wrong.insert(format!("{}: {url} is {action}, not {expect}", service.name));
                }
            }
        }
    }
    println!("{n_names} names, {n_identities} templates of tenants");
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

/// A URL of a template for a tenant: `values` in the places of its identity, or of a public template in the
/// first places, in order.
fn url_of(random: &mut Random, template: &Template, values: &[String]) -> String {
    let mut values = values.iter();
    let is_place = |part: &TemplatePart| match template.namespace {
        Some(_) => part.kind.is_identity(),
        None => part.kind == PartKind::Any,
    };
    let parts: Vec<TemplatePart> = template
        .parts
        .iter()
        .map(|part| match if is_place(part) { values.next() } else { None } {
            Some(text) => TemplatePart { kind: PartKind::Text, text: text.clone() },
            None => part.clone(),
        })
        .collect();
    random.url(&parts)
}

fn action_of_url(inspector: &mut Inspector, url: &str) -> &'static str {
    let (host, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    action(inspector, host, if path.is_empty() { "/" } else { path })
}

#[test]
fn a_tenant_of_one_namespace_is_none_of_another() {
    let library = open_library();
    let mut random = Random(0x0123_4567_89AB_CDEF);
    let (mut n_services, mut n_urls) = (0, 0);
    let mut wrong = BTreeSet::new();
    for service in &library.services {
        let namespace = |of: &Template| Some((of.namespace.clone()?, of.n_places()));
        let namespaces: BTreeSet<(String, usize)> =
            service.templates.iter().filter_map(namespace).filter(|of| of.1 > 0).collect();
        let has_public = service.templates.iter().any(|of| of.namespace.is_none());
        if namespaces.len() < 2 && !has_public {
            continue;
        }
        n_services += 1;
        for (name, n_places) in &namespaces {
            let values: Vec<_> = (0..*n_places).map(|_| random.label()).collect();
            let identity = format!("{}@{name}", values.join("/"));
            let mut inspector = inspector(&library, service, std::slice::from_ref(&identity));
            for template in &service.templates {
                let own = template.namespace.as_ref() == Some(name);
                if template.namespace.is_some() && template.n_places() != *n_places {
                    continue;
                }
                let url = url_of(&mut random, template, &values);
                let action = action_of_url(&mut inspector, &url);
                n_urls += 1;
                if action != if own { "allow" } else { "deny" } {
                    wrong.insert(format!("{identity} of {}: {url}: {action}", service.name));
                }
            }
        }
    }
    println!("{n_services} services, {n_urls} URLs");
    assert!(n_services > 40, "{n_services}");
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[test]
fn namespaces_are_those_of_the_services() {
    let cases: &[Urls] = &[
        // A clone is asked for with `.git` and without.
        (
            "GitHub",
            "acme/app@api.github.com/repos",
            &[
                "github.com/acme/app/info/refs?service=git-upload-pack",
                "github.com/acme/app.git/info/refs?service=git-upload-pack",
                "github.com/acme/app.git/git-upload-pack",
                "api.github.com/repos/acme/app/contents",
            ],
            &[
                "github.com/acme/app.git.git/git-upload-pack",
                "github.com/acme/app.wiki.git/git-upload-pack",
                "github.com/evil/app.git/git-upload-pack",
            ],
        ),
        (
            "GitLab",
            "acme/app@gitlab.com",
            &["gitlab.com/acme/app/-/tree/main", "gitlab.com/acme/app.git/git-upload-pack"],
            &["gitlab.com/acme/app.git/issues", "gitlab.com/acme/evil/app.git/git-upload-pack"],
        ),
        (
            "Bitbucket",
            "acme/app",
            &["bitbucket.org/acme/app/src", "bitbucket.org/acme/app.git/info/refs"],
            &["bitbucket.org/acme/other.git/info/refs"],
        ),
        (
            "Cloudflare Workers / Pages",
            "acme@workers.dev",
            &["a.acme.workers.dev"][..],
            &["acme.pages.dev", "a.acme.pages.dev"][..],
        ),
        (
            "Amazon S3",
            "acme@s3.amazonaws.com",
            &["acme.s3.eu-west-1.amazonaws.com", "s3-us-west-2.amazonaws.com/acme/x"],
            &[
                "acme.s3.cn-north-1.amazonaws.com.cn",
                "s3.cn-northwest-1.amazonaws.com.cn/acme",
                "acme.s3.us-gov-west-1.amazonaws.com",
                "acme.s3.eusc-de-east-1.amazonaws.eu",
                "acme.s3-accesspoint.dualstack.eu-west-1.amazonaws.com",
            ],
        ),
        (
            "GitHub",
            "acme/app@api.github.com/repos",
            &[
                "api.github.com/repos/acme/app/contents/x?ref=main",
                "codeload.github.com/acme/app/zip/refs/tags/v1",
                "github.com/acme/app/raw/main/x",
                "github.com/acme/app/archive/refs/heads/main.zip",
            ],
            &[
                "github.com/acme/app/raw/1234abcd/x",
                "github.com/acme/app/raw/1234abcd~0/x",
                "github.com/acme/app/raw/v1-5-g1234abcd/x",
                "github.com/acme/app/archive/1234abcd.zip",
                "github.com/acme/app/archive/refs/pull/7/head.zip",
                "github.com/acme/app/raw/refs%2Fpull%2F7%2Fhead/x",
                "github.com/acme/app/commit/1234abcd.patch",
                "github.com/acme/app/pull/7.diff",
                "github.com/acme/app/compare/main...evil:x",
                "github.com/acme/app/files/1/x.zip",
                "codeload.github.com/acme/app/zip/1234abcd",
                "api.github.com/repos/acme/app/contents/x?ref=1234abcd",
                "api.github.com/repos/acme/app/contents/x?a=b&REF=refs%2Fpull%2F7%2Fhead",
                "api.github.com/repos/acme/app/git/blobs/1234abcd1234abcd1234abcd1234abcd1234abcd",
                "api.github.com/repos/acme/app/commits?sha=1234abcd",
                "api.github.com/repos/acme/app/commits/1234abcd",
            ],
        ),
        (
            "GitHub raw",
            "acme/app@raw.githubusercontent.com",
            &["raw.githubusercontent.com/acme/app/main/x"],
            &[
                "raw.githubusercontent.com/acme/app/1234abcd1234abcd1234abcd1234abcd1234abcd/x",
                "raw.githubusercontent.com/acme/app/refs/pull/7/head/x",
                "raw.githubusercontent.com/acme/app/pull%2f7%2fhead/x",
            ],
        ),
        (
            "Azure VM / cloudapp",
            "acme/eastus@cloudapp.azure.com",
            &["acme.eastus.cloudapp.azure.com"],
            &["acme.westus.cloudapp.azure.com"],
        ),
        (
            "ngrok",
            "acme@ngrok.io",
            &["acme.ngrok.io"],
            &["acme.ngrok.app", "acme.eu.ngrok.io", "acme.ngrok-free.app"],
        ),
    ];
    check_urls(cases);
}

/// A service, an identity, URLs that are the identity's, and URLs that are not.
type Urls = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

/// Asserts which URLs a policy that lists an identity allows.
fn check_urls(cases: &[Urls]) {
    let library = open_library();
    for (service, identity, own, foreign) in cases {
        let note = library.services.iter().find(|of| of.name == *service).unwrap();
        let mut inspector = inspector(&library, note, &[(*identity).to_owned()]);
        for (urls, expect) in [(own, "allow"), (foreign, "deny")] {
            for url in *urls {
                assert_eq!(action_of_url(&mut inspector, url), expect, "{url}, {identity}");
            }
        }
    }
}

/// Where anybody can own a part of a service, what is sent there is sent to him, and an allow-list has to name it:
/// `others` and a list of reading do not.
#[test]
fn writing_to_well_known_services_is_a_write_of_a_service() {
    let pack = pack(&library());
    let tables = pack.tables();
    let reading = [Operation::Read, Operation::Download, Operation::Query, Operation::Login];
    let reading = reading.into_iter().fold(0, |bits, operation| bits | operation.bit());
    for (method, host, path) in [
        ("POST", "dev.azure.com", "/o/p/_git/r/git-receive-pack"),
        ("GET", "dev.azure.com", "/o/p/_git/r/info/refs?service=git-receive-pack"),
        ("POST", "o.visualstudio.com", "/DefaultCollection/_git/r/git-receive-pack"),
        ("PUT", "pkgs.dev.azure.com", "/o/p/_packaging/f/nuget/v2/"),
        ("POST", "acme.ghe.com", "/a/b/git-receive-pack"),
        ("PUT", "api.acme.ghe.com", "/repos/a/b/contents/x"),
        ("POST", "api.acme.ghe.com", "/graphql"),
        ("PATCH", "ghcr.io", "/v2/a/b/blobs/uploads/1"),
        ("PUT", "npm.pkg.github.com", "/@a%2fb"),
        ("PUT", "gitlab.com", "/api/v4/projects/1/packages/npm/a"),
        ("POST", "source.developers.google.com", "/p/x/r/y/git-receive-pack"),
        ("PUT", "registry.npmjs.org", "/a"),
        ("POST", "upload.pypi.org", "/legacy/"),
        ("PUT", "crates.io", "/api/v1/crates/new"),
        ("POST", "rubygems.org", "/api/v1/gems"),
        ("PUT", "www.nuget.org", "/api/v2/package"),
        ("POST", "central.sonatype.com", "/api/v1/publisher/upload"),
        ("PUT", "acme.jfrog.io", "/artifactory/x/a.bin"),
        ("POST", "registry-1.docker.io", "/v2/a/b/blobs/uploads/"),
        ("PUT", "quay.io", "/v2/a/b/manifests/x"),
        ("PUT", "acme.azurecr.io", "/v2/a/manifests/x"),
        ("PUT", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "/v2/a/manifests/x"),
        ("PUT", "ttl.sh", "/v2/a/manifests/1h"),
        ("PUT", "x.execute-api.eu-west-1.amazonaws.com", "/a"),
        ("POST", "api.apple-cloudkit.com", "/database/1/x/development/public/records/modify"),
        ("PUT", "cvws.icloud-content.com", "/B/a"),
        ("POST", "w.ods.opinsights.azure.com", "/api/logs"),
        ("POST", "w.in.applicationinsights.azure.com", "/v2/track"),
        ("POST", "a.azure-devices.net", "/devices/d/messages/events"),
        ("PUT", "a.vault.azure.net", "/secrets/x"),
        (
            "POST",
            "bigquery.googleapis.com",
            "/bigquery/v2/projects/x/datasets/y/tables/z/insertAll",
        ),
        ("POST", "logging.googleapis.com", "/v2/entries:write"),
        ("POST", "keep.google.com", "/x"),
        ("POST", "browser-intake-datadoghq.com", "/api/v2/rum"),
        ("POST", "events.pagerduty.com", "/v2/enqueue"),
        ("POST", "updates.push.services.mozilla.com", "/wpush/v2/x"),
        ("GET", "api.thingspeak.com", "/update?api_key=x&field1=1"),
        ("POST", "app.terraform.io", "/api/v2/runs"),
        ("POST", "codecov.io", "/upload/v4"),
        ("POST", "play.golang.org", "/share"),
        ("POST", "urlscan.io", "/api/v1/scan/"),
        ("POST", "www.kaggle.com", "/api/v1/blobs/upload"),
        ("POST", "en.wikipedia.org", "/w/api.php?action=edit"),
    ] {
        let found = ServiceMatch::of(tables, host.as_bytes(), Some(path.as_bytes()));
        assert!(found.is_some(), "{host} belongs to no service");
        let operations = found.unwrap().operations(
            tables,
            method.as_bytes(),
            host.as_bytes(),
            Some(path.as_bytes()),
        );
        assert!(operations.bits() & !reading != 0, "{method} {host}{path}: {operations:?}");
    }
}

/// Where anybody may write below the name of a tenant: a place for orders and for answers.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn places_where_strangers_write_name_no_tenant() {
    check_urls(&[
        (
            "GitHub",
            "acme/app@api.github.com/repos",
            &[
                "github.com/acme/app/raw/main/x",
                "github.com/acme/app/releases/download/v1/x",
                "github.com/acme/app/info/refs",
                "api.github.com/repos/acme/app/contents/x",
                "api.github.com/repos/acme/app/releases/latest",
                "api.github.com/repos/acme/app/commits/main",
                "api.github.com/repos/acme/app/actions/workflows/x/dispatches",
                "api.github.com/repos/acme/app/statuses/deadbeef",
                "api.github.com/repos/acme/app/code-scanning/sarifs",
            ],
            &[
                "github.com/acme/app/issues/1",
                "github.com/acme/app/pulls",
                "github.com/acme/app/discussions/1",
                "github.com/acme/app/wiki/x",
                "github.com/acme/app.wiki.git/info/refs",
                "github.com/acme/app/commit/main",
                "github.com/acme/app/actions/runs/1",
                "github.com/acme/app/runs/1",
                "github.com/acme/app/checks?sha=deadbeef",
                "github.com/acme/app/latest-commit/deadbeef",
                "github.com/acme/app/tree-commit-info/deadbeef",
                "github.com/acme/app/tree-list/deadbeef",
                "github.com/acme/app/find/deadbeef",
                "github.com/acme/app/labels/bug",
                "github.com/acme/app/pulse",
                "github.com/acme/app/security/advisories/new",
                "api.github.com/repos/acme/app/dependency-graph/compare/main...evil:main",
                "api.github.com/repos/acme/app/code-scanning/alerts?ref=refs/pull/1/head",
                "api.github.com/repos/acme/app/security-advisories/reports",
                "api.github.com/repos/acme/app/releases/1/reactions",
                "github.com/acme/app/raw/refs/remotes/pull/1/head/x",
                "github.com/acme/app/wiki.atom",
                "github.com/acme/app/issues.json",
                "github.com/acme/app/discussions.atom",
                "github.com/acme/app/compare.diff",
                "github.com/acme/app/overview-files/deadbeef",
                "github.com/acme/app/deferred-metadata/refs/pull/1/head/x",
                "api.github.com/repos/acme/app/issues",
                "api.github.com/repos/acme/app/issues/1/comments",
                "api.github.com/repos/acme/app/issues/comments",
                "api.github.com/repos/acme/app/pulls/1",
                "api.github.com/repos/acme/app/pulls/1/files",
                "api.github.com/repos/acme/app/pulls/comments",
                "api.github.com/repos/acme/app/comments/123",
                "api.github.com/repos/acme/app/commits/main/comments",
                "api.github.com/repos/acme/app/events",
                "api.github.com/repos/acme/app/forks",
                "api.github.com/repos/acme/app/contents/x?ref=refs/remotes/pull/1/head",
                "api.github.com/repos/acme/app/contents/x?ref=refs%2Fremotes%2Fpull%2F1%2Fhead",
                "api.github.com/repos/acme/app/contents/x?ref=main&ref=deadbeef",
                "api.github.com/repos/acme/app/contents/x?a=b;ref=deadbeef",
                "api.github.com/repos/acme/app/contents/x?a=b;ref=refs/remotes/pull/1/head",
                "api.github.com/repos/acme/app/contents/x?ref[]=deadbeef",
                "api.github.com/repos/acme/app/contents/x?ref%5B%5D=deadbeef",
                "api.github.com/repos/acme/app/contents/x?[ref]=deadbeef",
                "api.github.com/repos/acme/app/contents/x?+ref=deadbeef",
                "api.github.com/repos/acme/app/contents/x?a=b&%20ref=deadbeef",
            ],
        ),
        (
            "GitHub raw",
            "acme/app@raw.githubusercontent.com",
            &["raw.githubusercontent.com/acme/app/refs/heads/main/x"],
            &["raw.githubusercontent.com/acme/app/refs/remotes/pull/7/head/x"],
        ),
        (
            "GitHub Gist",
            "acme/1234@gist.githubusercontent.com",
            &["gist.githubusercontent.com/acme/1234/raw/x", "gist.github.com/acme/1234/raw"],
            &["gist.github.com/acme/1234", "gist.github.com/acme/1234.js"],
        ),
        (
            "GitLab",
            "acme/app@gitlab.com",
            &[
                "gitlab.com/acme/app/-/raw/main/x",
                "gitlab.com/acme/app/-/releases/v1",
                "gitlab.com/acme/app/-/jobs/artifacts/main/download?job=x",
            ],
            &[
                "gitlab.com/acme/app/-/issues/1",
                "gitlab.com/acme/app/-/issues.atom",
                "gitlab.com/acme/app/-/work_items/1",
                "gitlab.com/acme/app/-/commit/main",
                "gitlab.com/acme/app/-/merge_requests/1.diff",
                "gitlab.com/acme/app/-/jobs/8123456789/raw",
                "gitlab.com/acme/app/-/jobs/8123456789/artifacts/download",
                "gitlab.com/acme/app/-/jobs/8123456789.json",
                "gitlab.com/acme/app/-/jobs/1/raw",
                "gitlab.com/acme/app/-/jobs/1.json",
                "gitlab.com/acme/app/-/builds/1/raw",
                "gitlab.com/acme/app/-/pipelines/1",
                "gitlab.com/acme/app/-/pipelines/1.json",
                "gitlab.com/acme/app/-/wikis/home",
                "gitlab.com/acme/app/-/pipelines/1812345678",
                "gitlab.com/acme/app/-/jobs/artifacts/refs%2Fmerge-requests%2F1%2Fhead/raw/x",
                "gitlab.com/acme/app/-/refs/deadbeef/logs_tree/",
            ],
        ),
        (
            "GitLab",
            "7@gitlab.com/api/v4/projects",
            &[
                "gitlab.com/api/v4/projects/7/repository/files/x/raw?ref=main",
                "gitlab.com/api/v4/projects/7/jobs/artifacts/main/raw/x",
            ],
            &[
                "gitlab.com/api/v4/projects/7/issues/1/notes",
                "gitlab.com/api/v4/projects/7/merge_requests/1/changes",
                "gitlab.com/api/v4/projects/7/events",
                "gitlab.com/api/v4/projects/7/repository/commits/main/comments",
                "gitlab.com/api/v4/projects/7/snippets/1/notes",
                "gitlab.com/api/v4/projects/7/jobs/8123456789/trace",
                "gitlab.com/api/v4/projects/7/jobs/artifacts/refs%2Fmerge-requests%2F1%2Fhead/raw/x",
            ],
        ),
        (
            "Bitbucket",
            "acme/app",
            &["bitbucket.org/acme/app/raw/main/x"],
            &["bitbucket.org/acme/app/issues/1", "bitbucket.org/acme/app/wiki/Home"],
        ),
        (
            "Gitee",
            "acme/app",
            &["gitee.com/acme/app/raw/main/x"],
            &["gitee.com/acme/app/issues/1", "gitee.com/acme/app/wikis/Home"],
        ),
        (
            "NotABug",
            "acme/app@codeberg.org",
            &["codeberg.org/acme/app/raw/branch/main/x"],
            &[
                "codeberg.org/acme/app/issues/1",
                "codeberg.org/acme/app/wiki/Home",
                "codeberg.org/acme/app.rss",
                "codeberg.org/acme/app.wiki.git/info/refs",
            ],
        ),
        (
            "Hugging Face",
            "acme/app@huggingface.co",
            &["huggingface.co/acme/app/resolve/main/x"],
            &["huggingface.co/acme/app/discussions/1"],
        ),
        (
            "Jira / Atlassian",
            "acme@atlassian.net",
            &["acme.atlassian.net/rest/api/3/issue/A-1"],
            &[
                "acme.atlassian.net/servicedesk/customer/portal/1",
                "acme.atlassian.net/rest/servicedeskapi/request/A-1/comment",
                "acme.atlassian.net/plugins/servlet/desk/portal/1",
                "acme.atlassian.net/helpcenter/support",
            ],
        ),
        (
            "Zendesk",
            "acme",
            &["acme.zendesk.com/api/v2/tickets.json", "acme.zendesk.com/api/v2/users/7"],
            &[
                "acme.zendesk.com/api/v2/requests.json",
                "acme.zendesk.com/api/v2/requests/1/comments",
                "acme.zendesk.com/api/v2/uploads.json?filename=x",
                "acme.zendesk.com/api/v2/uploads?filename=x",
                "acme.zendesk.com/api/v2/community/posts",
                "acme.zendesk.com/attachments/token/x/",
                "acme.zendesk.com/hc/en-us/community/posts/1",
                "acme.zendesk.com/requests/new",
            ],
        ),
        (
            "Salesforce",
            "acme",
            &["acme.my.salesforce.com/services/data/v60.0/query"],
            &["acme.my.site.com/s/group", "acme.my.salesforce-sites.com/x"],
        ),
        (
            "Google Firebase",
            "acme@firebaseio.com",
            &["acme.firebaseio.com/x.json", "acme.firebaseio.com/x.json?print=silent"],
            &["acme.firebaseio.com/x.json?ns=evil", "acme.firebaseio.com/.ws?v=5&ns=evil"],
        ),
        (
            "AWS (other services)",
            "111122223333/jobs",
            &["sqs.eu-west-1.amazonaws.com/111122223333/jobs?Action=ReceiveMessage"],
            &[
                "sqs.eu-west-1.amazonaws.com/111122223333/jobs?Action=SendMessage&QueueUrl=x",
                "sqs.eu-west-1.amazonaws.com/111122223333/jobs?queueurl=x",
            ],
        ),
    ]);
}

#[test]
fn an_identity_that_may_be_of_two_namespaces_is_refused() {
    let library = open_library();
    let text = "default: monitor\nsanctioned:\n  - {services: ['Cloudflare Workers / Pages'], sources: [10.4.0.0/16], identities: [acme]}\n";
    let (policy, findings) = Policy::read(&"policy.yml".into(), text);
    assert!(findings.is_empty(), "{findings:?}");
    let compilation =
        Compilation::with_policy(&library, "test", 1, policy.as_ref(), Some(KEY)).unwrap();
    let help = compilation.findings[0].diagnostic.help.clone();
    assert!(help.contains("`acme@pages.dev`, `acme@workers.dev`"), "{help}");
}
