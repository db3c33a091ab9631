//! Traffic of a network of a hundred sources, and abuse in it: people with chats, mail and documents, machines
//! with telemetry, monitoring, backups and builds, each as such programs behave.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "the numbers are small, the places of lists are counted, and traffic is a long list"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

/// How many sources there are.
pub const N_SOURCES: usize = N_PEOPLE + N_RUNNERS + SERVICES.len() + 5;

const N_PEOPLE: usize = 78;
const N_RUNNERS: usize = 8;
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const START: f64 = 1_790_467_200.0;

/// A source and a host.
pub type Pair = (String, String);

/// The pairs that something reports, each with the titles of the rules that matched.
pub type Alerts = BTreeMap<Pair, BTreeSet<String>>;

/// Reads the records that `tidegate hunt` writes as lines of JSON.
pub fn alerts_of_hunt(lines: &str) -> serde_json::Result<Alerts> {
    let mut alerts = Alerts::new();
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line)?;
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let pair = (text("source").to_owned(), plain_host(text("host")));
        alerts.entry(pair).or_default().insert(text("title").to_owned());
    }
    Ok(alerts)
}

/// Adds an event of a gateway about a request of a source to a host.
pub fn add_event(alerts: &mut Alerts, source: &str, host: &str, event: &Value) {
    let titles = alerts.entry((source.to_owned(), plain_host(host))).or_default();
    let rules = event.get("rules").and_then(Value::as_array).into_iter().flatten();
    titles.extend(rules.filter_map(|rule| Some(rule.get("title")?.as_str()?.to_owned())));
}

/// The host of a pair: without the port that every tunnel of the traffic has.
fn plain_host(authority: &str) -> String {
    authority.trim_end_matches(":443").to_owned()
}

/// What a machine abuses a host for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Polls a service.
    BeaconToService,
    /// Polls a host that nobody else knows.
    BeaconToHost,
    /// The same through CONNECT.
    BeaconInTunnel,
    /// Polls every half hour or hour.
    SlowBeacon,
    /// Sends much to a service that keeps files.
    UploadToService,
    /// Sends much to a host that nobody else knows.
    UploadToHost,
    /// A machine uses a service for the first time.
    FirstUse,
    /// Reads where its next host is.
    DeadDrop,
    /// Calls that host.
    HostAfterDeadDrop,
    /// Holds a tunnel for hours.
    LongTunnel,
    /// Uses a service under many identities.
    ManyIdentities,
    /// Calls many new hosts within an hour: one abuse, found by any of them.
    ManyHosts,
    /// The first of the harder kinds, which count apart: a beacon with gaps of a tenth to the whole of its period.
    BeaconWithMuchJitter,
    /// Each gap is longer than the one before, until they start over.
    GrowingGaps,
    /// Calls two hosts in turn.
    TwoHostsInTurn,
    /// Sends little at a time to a service that others use.
    SlowDrip,
    /// Reads a dead drop under the name of a browser.
    BrowserAfterDeadDrop,
}

impl Kind {
    /// Returns true for a kind that does not count for recall.
    pub fn is_hard(self) -> bool {
        self >= Kind::BeaconWithMuchJitter
    }
}

/// Requests, and which pairs of them are abuse.
#[derive(Debug)]
pub struct Traffic {
    /// What is abused.
    pub abuses: BTreeMap<Pair, Kind>,
    /// Days of 24 hours.
    pub n_days: usize,
    end: f64,
    lines: Vec<(f64, String)>,
    random: Random,
}

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36";
const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36";

const PROGRAMS: &[&str] = &[
    "python-requests/2.31.0",
    "curl/8.4.0",
    "Go-http-client/2.0",
    "Mozilla/5.0",
    "WinHttpClient",
    "Java/1.8.0_301",
    "",
];

/// Workloads, with the hosts that they call.
const SERVICES: &[(&str, &[&str])] = &[
    ("svc-orders", &["api.stripe.com", "acme.my.salesforce.com"]),
    ("svc-frontend", &["api.segment.io", "o448000.ingest.sentry.io"]),
    ("svc-search", &["search.acme-internal.com"]),
    ("svc-payments", &["api.stripe.com", "api.adyen.com"]),
    ("svc-notify", &["api.sendgrid.com", "api.twilio.com"]),
    ("svc-identity", &["acme.okta.com"]),
    ("mlops-train", &["huggingface.co"]),
    ("batch-etl", &["bigquery.googleapis.com"]),
];

/// What people visit beside small sites, with the share of their visits.
const SITES: &[(&str, f64)] = &[
    ("www.google.com", 0.30),
    ("www.youtube.com", 0.12),
    ("github.com", 0.14),
    ("www.reddit.com", 0.08),
    ("stackoverflow.com", 0.12),
    ("en.wikipedia.org", 0.06),
    ("docs.google.com", 0.10),
    ("www.notion.so", 0.05),
    ("acme.atlassian.net", 0.08),
    ("acme.sharepoint.com", 0.08),
    ("web.whatsapp.com", 0.02),
    ("pastebin.com", 0.005),
    ("mega.nz", 0.003),
    ("wetransfer.com", 0.003),
    ("t.me", 0.004),
    ("raw.githubusercontent.com", 0.005),
    ("web.telegram.org", 0.006),
    ("discord.com", 0.01),
];

/// What was found of the abuse in some traffic.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// How many abuses of each kind were found, and how many there are.
    pub of_kinds: BTreeMap<Kind, (usize, usize)>,
    /// The abuses that were not found: their kind, source and host.
    pub missed: Vec<(Kind, String)>,
    /// What was reported and is no abuse.
    pub wrong: Alerts,
    n_days: usize,
}

impl Score {
    /// Adds the score of other traffic.
    pub fn add(&mut self, other: Score) {
        for (kind, (n_found, n_all)) in other.of_kinds {
            let of_kind = self.of_kinds.entry(kind).or_default();
            *of_kind = (of_kind.0 + n_found, of_kind.1 + n_all);
        }
        self.missed.extend(other.missed);
        self.wrong.extend(other.wrong);
        self.n_days += other.n_days;
    }

    /// Returns how many abuses were found and how many there are, without the harder kinds.
    pub fn whole(&self) -> (usize, usize) {
        let counted = self.of_kinds.iter().filter(|(kind, _)| !kind.is_hard());
        counted.fold((0, 0), |all, (_, of)| (all.0 + of.0, all.1 + of.1))
    }

    /// Returns the pairs that are no abuse, for each day and hundred sources.
    pub fn wrong_a_day(&self) -> f64 {
        self.wrong.len() as f64 / self.n_days as f64 / (N_SOURCES as f64 / 100.0)
    }
}

impl fmt::Display for Score {
    /// A line for each kind, abuse that was missed and pair that is none, then the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, (n_found, n_all)) in &self.of_kinds {
            writeln!(f, "  {kind:?}: {n_found} of {n_all}")?;
        }
        for (kind, name) in &self.missed {
            writeln!(f, "  missed {kind:?} {name}")?;
        }
        for ((source, host), titles) in &self.wrong {
            writeln!(f, "  no abuse: {source} {host} {titles:?}")?;
        }
        let (n_found, n_all) = self.whole();
        let a_day = self.wrong_a_day();
        write!(f, "  {n_found} of {n_all}, {a_day:.2} false pairs a day per 100 sources")
    }
}

/// A request in the making.
#[derive(Clone, Copy)]
struct Call<'c> {
    source: &'c str,
    host: &'c str,
    method: &'c str,
    path: &'c str,
    agent: &'c str,
    sent: f64,
    received: f64,
    seconds: f64,
}

impl<'c> Call<'c> {
    fn get(source: &'c str, host: &'c str, path: &'c str, agent: &'c str) -> Call<'c> {
        let method = if path.is_empty() { "CONNECT" } else { "GET" };
        Call { source, host, method, path, agent, sent: 420.0, received: 0.0, seconds: 0.1 }
    }
}

/// When a beacon calls.
#[derive(Clone, Copy)]
struct Beacon {
    from: f64,
    to: f64,
    period: f64,
    jitter: Jitter,
}

#[derive(Clone, Copy)]
enum Jitter {
    /// Up to this share less.
    Less(f64),
    /// Up to this share more or less.
    Both(f64),
    /// Each gap is 1.618 times the one before, eight times.
    Growing,
}

impl Traffic {
    /// Makes the traffic of some days.
    pub fn generate(seed: u64, n_days: usize) -> Traffic {
        let mut traffic = Traffic {
            abuses: BTreeMap::new(),
            n_days,
            end: n_days as f64 * DAY,
            lines: Vec::new(),
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66),
        };
        let sites: Vec<String> = (0..900).map(|_| traffic.name(".com")).collect();
        for number in 1..=N_PEOPLE {
            traffic.person(&format!("laptop-{number:03}"), &sites);
        }
        for number in 1..=N_RUNNERS {
            traffic.runner(&format!("ci-runner-{number}"));
        }
        for (source, hosts) in SERVICES {
            traffic.workload(source, hosts);
        }
        traffic.machines();
        traffic.abuse();
        traffic
    }

    /// Returns an access log in JSON, in order of time.
    pub fn log(&self) -> String {
        let mut lines: Vec<&(f64, String)> = self.lines.iter().collect();
        lines.sort_by(|left, right| left.0.total_cmp(&right.0));
        lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    /// Counts what of the abuse was reported, and what else.
    pub fn score(&self, alerts: &Alerts) -> Score {
        let mut is_found: BTreeMap<(Kind, String), bool> = BTreeMap::new();
        for (pair, kind) in &self.abuses {
            let (source, host) = pair;
            let name = match kind {
                Kind::ManyHosts => source.clone(),
                _ => format!("{source} {host}"),
            };
            *is_found.entry((*kind, name)).or_default() |= alerts.contains_key(pair);
        }
        let mut score = Score { n_days: self.n_days, ..Score::default() };
        for ((kind, name), is_found) in is_found {
            let of_kind = score.of_kinds.entry(kind).or_default();
            of_kind.0 += usize::from(is_found);
            of_kind.1 += 1;
            if !is_found {
                score.missed.push((kind, name));
            }
        }
        let wrong = alerts.iter().filter(|(pair, _)| !self.abuses.contains_key(*pair));
        score.wrong = wrong.map(|(pair, titles)| (pair.clone(), titles.clone())).collect();
        score
    }

    fn add(&mut self, time: f64, call: Call<'_>) {
        if !(0.0..self.end).contains(&time) {
            return;
        }
        let received =
            if call.received > 0.0 { call.received } else { self.random.log_normal(9.0, 1.2) };
        let is_connect = call.method == "CONNECT";
        let mut line = json!({
            "start_time": START + (time * 1000.0).round() / 1000.0,
            "client": call.source,
            "method": call.method,
            "authority": if is_connect { format!("{}:443", call.host) } else { call.host.to_owned() },
            "bytes_received": call.sent as u64,
            "bytes_sent": received as u64,
            "response_code": 200,
            "duration": (call.seconds * 1000.0) as u64,
        });
        if !is_connect {
            line["path"] = json!(call.path);
            line["scheme"] = json!("https");
        }
        if !call.agent.is_empty() {
            line["user_agent"] = json!(call.agent);
        }
        self.lines.push((time, format!("{line}\n")));
    }

    /// A clock from one time to another, with a start somewhere in its first period.
    fn clock(&mut self, from: f64, to: f64, period: f64, jitter: f64, call: Call<'_>) {
        let mut time = from + self.random.share() * period.min(to - from);
        while time < to {
            self.add(time, call);
            time += period * (1.0 + jitter * self.random.range(-1.0, 1.0));
        }
    }

    fn person(&mut self, source: &str, sites: &[String]) {
        let agent = if self.random.share() < 0.5 { WINDOWS } else { MAC };
        let chat = if self.random.share() < 0.5 { "slack.com" } else { "teams.microsoft.com" };
        let mail = if self.random.share() < 0.5 { "mail.google.com" } else { "outlook.office.com" };
        let own: Vec<&String> = (0..6).map(|_| self.random.of(sites)).collect();
        let updater = self.name("-software.com");
        let has_updater = self.random.share() < 0.1;
        let never_sleeps = self.random.share() < 0.3;
        for day in 0..self.n_days {
            let midnight = day as f64 * DAY;
            let from = midnight + self.random.normal(8.7, 0.7) * HOUR;
            let to = from + self.random.normal(8.8, 0.8) * HOUR;
            let (on, off) = if never_sleeps { (midnight, midnight + DAY) } else { (from, to) };
            let sensor = Call::get(source, "telemetry.edr-vendor.com", "/v2/report", "Sensor/7");
            let sensor = Call { method: "POST", sent: 1800.0, received: 200.0, ..sensor };
            self.clock(on, off, 180.0, 0.03, sensor);
            let updates = [
                ("ctldl.windowsupdate.com", 4.0 * HOUR, "Microsoft-CryptoAPI/10.0"),
                ("update.googleapis.com", 5.0 * HOUR, agent),
                ("vortex.data.microsoft.com", 900.0, "MSDW"),
            ];
            for (host, period, program) in updates {
                self.clock(on, off, period, 0.03, Call::get(source, host, "/check", program));
            }
            if has_updater {
                self.clock(on, off, 900.0, 0.03, Call::get(source, &updater, "/v", "Updater/2"));
            }
            let poll = Call::get(source, chat, "/api/poll", agent);
            self.clock(from, to, 120.0, 0.1, Call { method: "POST", ..poll });
            let opened = from + self.random.range(0.0, 6.0) * HOUR;
            self.clock(opened, to, 120.0, 0.1, Call::get(source, mail, "/sync", agent));
            self.documents(source, agent, from, to);
            if self.random.share() < 0.03 {
                self.own_tab(source, agent, from, to);
            }
            self.browsing(source, agent, sites, &own, from, to);
            if self.random.share() < 0.4 {
                let meeting = Call::get(source, "us06web.zoom.us", "", agent);
                let seconds = self.random.range(900.0, 4200.0);
                let time = self.random.range(from, to);
                self.add(time, Call { sent: 6e7, received: 9e7, seconds, ..meeting });
            }
        }
    }

    /// Documents that save while somebody writes, and files that are synchronised.
    fn documents(&mut self, source: &str, agent: &str, from: f64, to: f64) {
        for _ in 0..self.random.below(3) {
            let mut time = self.random.range(from, to);
            let end = (time + self.random.range(0.2, 1.5) * HOUR).min(to);
            while time < end {
                let save = Call::get(source, "docs.google.com", "/document/d/1/save", agent);
                let sent = self.random.range(800.0, 20_000.0);
                self.add(time, Call { method: "POST", sent, received: 300.0, ..save });
                time += self.random.log_normal(3.0, 0.9);
            }
        }
        for _ in 0..self.random.below(4) {
            let time = self.random.range(from, to);
            let file =
                Call::get(source, "acme-my.sharepoint.com", "/personal/u/upload", "SkyDriveSync");
            let sent = self.random.log_normal(14.0, 1.0);
            self.add(time, Call { method: "PUT", sent, received: 400.0, ..file });
        }
    }

    /// A page that polls while it is open, and that nobody else uses.
    fn own_tab(&mut self, source: &str, agent: &str, from: f64, to: f64) {
        let host = format!("app.{}", self.name(".io"));
        let opened = self.random.range(from, to);
        let closed = (opened + self.random.range(0.3, 3.0) * HOUR).min(to);
        let period = *self.random.of(&[30.0, 60.0, 120.0]);
        self.clock(opened, closed, period, 0.02, Call::get(source, &host, "/api/news", agent));
        for _ in 0..self.random.below(40) {
            let time = self.random.range(opened, closed);
            self.add(time, Call::get(source, &host, "/app/page", agent));
        }
    }

    fn browsing(
        &mut self,
        source: &str,
        agent: &str,
        sites: &[String],
        own: &[&String],
        from: f64,
        to: f64,
    ) {
        let mut time = from;
        while time < to {
            time += self.random.exponential(420.0);
            for _ in 0..=self.random.exponential(4.0) as usize {
                time += self.random.log_normal(3.2, 1.1);
                let share = self.random.share();
                let host = if share < 0.45 {
                    self.site().to_owned()
                } else if share < 0.65 {
                    (*self.random.of(own)).clone()
                } else if share < 0.93 {
                    let place = self.random.share().powi(2) * sites.len() as f64;
                    sites[place as usize].clone()
                } else {
                    self.name(".net")
                };
                for part in 0..=self.random.exponential(3.0) as usize {
                    self.add(time + part as f64 * 0.3, Call::get(source, &host, "/page", agent));
                }
            }
        }
    }

    fn site(&mut self) -> &'static str {
        let mut share = self.random.share() * SITES.iter().map(|(_, share)| share).sum::<f64>();
        for (host, of_host) in SITES {
            share -= of_host;
            if share <= 0.0 {
                return host;
            }
        }
        SITES[0].0
    }

    fn runner(&mut self, source: &str) {
        let mut time = self.random.range(0.0, 900.0);
        let jobs = [
            ("github.com", "/acme/app.git/info/refs", "git/2.43.0", "GET", 400.0),
            ("proxy.golang-mirror.com", "/x/mod", "Go-http-client/1.1", "GET", 300.0),
            ("packages.acme-mirror.com", "/simple/x", "uv/0.8.22", "GET", 300.0),
            (
                "hooks.slack.com",
                "/services/T0/B0/abc",
                "Jenkins/2.479.1 slack-plugin",
                "POST",
                900.0,
            ),
            ("artifacts.acme-ci.com", "/build", "ci-agent/3", "PUT", 2e6),
        ];
        while time < self.end {
            for step in 0..2 + self.random.below(6) {
                let (host, path, agent, method, sent) = *self.random.of(&jobs);
                let call = Call { method, sent, ..Call::get(source, host, path, agent) };
                self.add(time + step as f64 * 12.0, call);
            }
            let is_busy = (8.0..19.0).contains(&(time % DAY / HOUR));
            time += self.random.exponential(if is_busy { 900.0 } else { 4000.0 });
        }
        let ping = Call::get(source, "ping.acme-ci.com", "/agent", "ci-agent/3");
        self.clock(0.0, self.end, 120.0, 0.0, ping);
    }

    fn workload(&mut self, source: &str, hosts: &[&str]) {
        for host in hosts {
            let gap = *self.random.of(&[60.0, 120.0, 300.0]);
            let mut time = self.random.range(0.0, gap);
            while time < self.end {
                let call = Call::get(source, host, "/v1/charges", "Go-http-client/1.1");
                self.add(time, Call { method: "POST", sent: 2000.0, received: 900.0, ..call });
                time += self.random.exponential(gap);
            }
        }
        let metrics = Call::get(source, "api.datadoghq.com", "/v1/series", "datadog-agent/7");
        self.clock(0.0, self.end, 60.0, 0.01, Call { method: "POST", ..metrics });
    }

    fn machines(&mut self) {
        for _ in 0..9 {
            let host = format!("status.{}", self.name(".com"));
            let check = Call::get("monitoring", &host, "/health", "Blackbox Exporter/0.25.0");
            self.clock(0.0, self.end, 120.0, 0.0, check);
        }
        let backup = "backup-agent";
        let licence = Call::get(backup, "license.backup-vendor.com", "/heartbeat", "Backup/11");
        self.clock(0.0, self.end, 900.0, 0.0, licence);
        for day in 0..self.n_days {
            for part in 0..120 {
                let store = "acme.backup-vendor.com";
                let call = Call::get(backup, store, "/daily", "Backup/11");
                let time = day as f64 * DAY + 0.5 * HOUR + f64::from(part) * 40.0;
                self.add(time, Call { method: "PUT", sent: 4e7, received: 300.0, ..call });
            }
        }
        for number in 1..=3 {
            let source = format!("printer-{number}");
            let ping = Call::get(&source, "cloud.printer-vendor.com", "/ping", "Printer/4");
            self.clock(0.0, self.end, 1800.0, 0.0, ping);
        }
    }

    /// Thirty and more abuses, each by another source.
    fn abuse(&mut self) {
        let mut sources: Vec<String> = (1..=N_PEOPLE).map(|n| format!("laptop-{n:03}")).collect();
        let mut machines: Vec<String> =
            SERVICES.iter().map(|(source, _)| (*source).to_owned()).collect();
        machines.extend((1..=N_RUNNERS).map(|n| format!("ci-runner-{n}")));
        let kinds = [
            Kind::BeaconToService,
            Kind::BeaconToHost,
            Kind::BeaconToHost,
            Kind::BeaconInTunnel,
            Kind::SlowBeacon,
            Kind::UploadToService,
            Kind::UploadToHost,
            Kind::FirstUse,
            Kind::DeadDrop,
            Kind::LongTunnel,
            Kind::ManyIdentities,
            Kind::ManyHosts,
        ];
        for round in 0..3 {
            for kind in kinds {
                let is_machine = kind == Kind::FirstUse || self.random.share() < 0.25;
                let pool =
                    if is_machine && !machines.is_empty() { &mut machines } else { &mut sources };
                let place = self.random.below(pool.len());
                let source = pool.swap_remove(place);
                self.one_abuse(kind, &source, round);
            }
        }
        for kind in [
            Kind::BeaconWithMuchJitter,
            Kind::GrowingGaps,
            Kind::TwoHostsInTurn,
            Kind::SlowDrip,
            Kind::BrowserAfterDeadDrop,
        ] {
            let place = self.random.below(sources.len());
            let source = sources.swap_remove(place);
            self.one_abuse(kind, &source, 0);
        }
    }

    fn one_abuse(&mut self, kind: Kind, source: &str, round: usize) {
        let host = format!("{}-{}", self.random.of(&["cdn", "api", "static"]), self.name(".net"));
        let is_person = source.starts_with("laptop");
        let day = self.random.below(self.n_days) as f64 * DAY;
        // Somebody is at work for two hours, or a machine has run for some.
        let from = if is_person {
            day + self.random.range(11.5, 13.5) * HOUR
        } else {
            self.random.range(2.0, self.n_days as f64 * 24.0 - 14.0) * HOUR
        };
        let mut agent = *self.random.of(PROGRAMS);
        let period = self.random.range(10_f64.ln(), 900_f64.ln()).exp();
        let jitters = [
            Jitter::Less(0.0),
            Jitter::Less(0.2),
            Jitter::Less(0.37),
            Jitter::Less(0.5),
            Jitter::Both(0.5),
        ];
        let jitter = *self.random.of(&jitters);
        let hours = *self.random.of(&[6.0, 9.0, 14.0, 30.0]);
        let to = (from + hours * HOUR).min(self.end);
        let beacon = Beacon { from, to, period, jitter };
        let small = |path, agent| Call { received: 150.0, ..Call::get(source, &host, path, agent) };
        let mut is_marked = true;
        match kind {
            Kind::BeaconToService => {
                let bot = "/bot123456789:AAExampleExampleExampleExampleExample12/getUpdates";
                let services = [
                    ("api.telegram.org", bot),
                    ("api.notion.com", "/v1/blocks/abc/children"),
                    ("api.trello.com", "/1/cards/x"),
                ];
                let (service, path) = services[round % services.len()];
                is_marked = false;
                self.mark(source, service, kind);
                let call = Call::get(source, service, path, agent);
                self.beacon(beacon, Call { received: 200.0, ..call });
            }
            Kind::BeaconToHost => {
                if self.random.share() < 0.4 {
                    agent = WINDOWS;
                }
                self.beacon(beacon, small("/jquery.min.js", agent));
                let result = Call { method: "POST", sent: 4000.0, ..small("/result", agent) };
                for _ in 0..self.random.below(5) {
                    let time = self.random.range(from, to);
                    self.add(time, result);
                }
            }
            Kind::BeaconInTunnel => self.beacon(beacon, small("", "")),
            Kind::SlowBeacon => {
                let period = *self.random.of(&[1800.0, 2700.0, 3600.0]);
                let from = from.min(self.end - 20.0 * HOUR);
                let slow = Beacon { from, to: self.end, period, jitter };
                self.beacon(slow, small("/check", agent));
            }
            Kind::UploadToService | Kind::UploadToHost => {
                let stores = ["g.api.mega.co.nz", "store1.gofile.io", "wetransfer.com"];
                let store =
                    if kind == Kind::UploadToHost { host.as_str() } else { stores[round % 3] };
                let n_parts = 1 + self.random.below(30);
                let whole = self.random.range(15e6_f64.ln(), 1e9_f64.ln()).exp();
                if self.random.share() < 0.5 {
                    agent = MAC;
                }
                let call = Call::get(source, store, "/upload/x", agent);
                let sent = whole / n_parts as f64;
                for part in 0..n_parts {
                    let call = Call { method: "POST", sent, received: 300.0, seconds: 9.0, ..call };
                    self.add(from + part as f64 * 40.0, call);
                }
                is_marked = false;
                self.mark(source, store, kind);
            }
            Kind::FirstUse => {
                let firsts = [
                    ("webhook.site", "/00000000-0000-0000-0000-000000000000", "POST"),
                    ("transfer.sh", "/x", "PUT"),
                    ("paste.ee", "/r/AbCdE", "GET"),
                ];
                let (service, path, method) = firsts[round % firsts.len()];
                self.add(from, Call { method, ..Call::get(source, service, path, agent) });
                is_marked = false;
                self.mark(source, service, kind);
            }
            Kind::DeadDrop | Kind::BrowserAfterDeadDrop => {
                if kind == Kind::BrowserAfterDeadDrop {
                    agent = WINDOWS;
                }
                let drops = [
                    ("pastebin.com", "/raw/AbCdEf12"),
                    ("t.me", "/s/abcdef"),
                    ("raw.githubusercontent.com", "/a/b/main/c.txt"),
                ];
                let (service, path) = drops[round % drops.len()];
                self.add(from, Call::get(source, service, path, agent));
                self.mark(source, service, kind);
                let time = from + self.random.range(2.0, 500.0);
                self.add(time, small("/p", agent));
                let after = Kind::HostAfterDeadDrop;
                self.mark(source, &host, if kind.is_hard() { kind } else { after });
                is_marked = false;
            }
            Kind::LongTunnel => {
                let seconds = self.random.range(3.0, 9.0) * HOUR;
                self.add(from, Call { seconds, sent: 5e7, received: 4e6, ..small("", agent) });
            }
            Kind::ManyIdentities => {
                is_marked = false;
                self.mark(source, "api.telegram.org", kind);
                for bot in 0..8 {
                    let path = format!(
                        "/bot12345678{bot}:AAExampleExampleExampleExampleExample12/sendMessage"
                    );
                    let call = Call::get(source, "api.telegram.org", &path, "curl/8.4.0");
                    self.add(from + f64::from(bot) * 300.0, Call { method: "POST", ..call });
                }
            }
            Kind::ManyHosts => {
                is_marked = false;
                // Within one hour of the clock.
                let from = (from / HOUR).ceil() * HOUR;
                for number in 0..30 {
                    let host = format!("{number}{}", self.name(".top"));
                    let call = Call::get(source, &host, "/", "Go-http-client/1.1");
                    self.add(from + f64::from(number) * 90.0, call);
                    self.mark(source, &host, kind);
                }
            }
            Kind::BeaconWithMuchJitter => {
                let beacon = Beacon { period: 120.0, jitter: Jitter::Less(0.9), ..beacon };
                self.beacon(beacon, small("/x", agent));
            }
            Kind::GrowingGaps => {
                let beacon = Beacon { period: 20.0, jitter: Jitter::Growing, ..beacon };
                self.beacon(beacon, small("/x", agent));
            }
            Kind::TwoHostsInTurn => {
                let other = self.name(".org");
                let half = Beacon { period: 240.0, jitter: Jitter::Less(0.2), ..beacon };
                self.beacon(half, small("/x", agent));
                let late = Beacon { from: from + 120.0, ..half };
                self.beacon(late, Call { host: &other, ..small("/x", agent) });
                self.mark(source, &other, kind);
            }
            Kind::SlowDrip => {
                is_marked = false;
                let call = Call::get(source, "docs.google.com", "/upload", agent);
                let call = Call { method: "POST", sent: 90_000.0, received: 300.0, ..call };
                self.beacon(Beacon { period: 900.0, jitter: Jitter::Less(0.2), ..beacon }, call);
                self.mark(source, "docs.google.com", kind);
            }
            Kind::HostAfterDeadDrop => {}
        }
        if is_marked {
            self.mark(source, &host, kind);
        }
    }

    fn beacon(&mut self, beacon: Beacon, call: Call<'_>) {
        let (mut time, mut step) = (beacon.from, 0);
        while time < beacon.to {
            // A few are lost.
            if self.random.share() > 0.03 {
                self.add(time, call);
            }
            time += beacon.period
                * match beacon.jitter {
                    Jitter::Less(share) => 1.0 - share * self.random.share(),
                    Jitter::Both(share) => 1.0 + share * self.random.range(-1.0, 1.0),
                    Jitter::Growing => 1.618_f64.powi(step % 8),
                };
            step += 1;
        }
    }

    fn mark(&mut self, source: &str, host: &str, kind: Kind) {
        self.abuses.insert((source.to_owned(), host.to_owned()), kind);
    }

    fn name(&mut self, ending: &str) -> String {
        let n_syllables = 3 + self.random.below(2);
        let mut name = String::new();
        for _ in 0..n_syllables {
            name.push(
                *self.random.of(&['b', 'd', 'f', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v']),
            );
            name.push(*self.random.of(&['a', 'e', 'i', 'o', 'u']));
        }
        name + ending
    }
}

/// Numbers that are the same each time: `SplitMix64`.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ number >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ number >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ number >> 31
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn range(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    fn below(&mut self, number: usize) -> usize {
        (self.share() * number as f64) as usize
    }

    fn of<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.share()).ln()
    }

    fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        mean + deviation * radius * (2.0 * std::f64::consts::PI * self.share()).cos()
    }

    fn log_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        self.normal(mean, deviation).exp()
    }
}
