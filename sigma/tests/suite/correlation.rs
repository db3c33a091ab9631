//! Correlations: refused with a code, or evaluated over timed events.

use std::collections::BTreeMap;

use inspect::limits::{MAX_GROUP_EVENTS, MAX_GROUPS};
use inspect::{Correlator, Inspector};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::event;

/// Rules `a`, `b` and `c` over a field `kind` of that value.
fn rules() -> String {
    let rule = |name| {
        format!(
            "title: {name}\nname: {name}\nlogsource: {{category: test}}\ndetection: {{s: {{kind|contains: {name}}}, condition: s}}\n---\n"
        )
    };
    ["a", "b", "c"].map(rule).concat()
}

fn correlation(body: &str) -> String {
    format!("{}title: t\ncorrelation: {body}\n", rules())
}

/// The firings on timed events, as `time title value [group]`.
fn firings(text: &str, events: &[(i64, Json)]) -> Vec<String> {
    let mut inspector = Inspector::new(event::pack(text).unwrap());
    let mut correlator = Correlator::new(inspector.pack());
    let mut shown = Vec::new();
    for (time, fields) in events {
        let verdict = event::inspect(&mut inspector, fields);
        let hits = inspector.correlation_hits(&verdict);
        for firing in correlator.observe(inspector.pack(), &hits, *time) {
            let tables = inspector.pack().tables();
            let title = tables.str(tables.correlation(firing.correlation).unwrap().title);
            let group = firing.group.iter().map(|value| match value {
                None => "-".into(),
                Some(value) => String::from_utf8_lossy(value).into_owned(),
            });
            let group: Vec<_> = group.collect();
            shown.push(format!("{} {title} {} [{}]", time, firing.value, group.join(" ")));
        }
    }
    shown
}

/// Events of one kind each, by a user: `time kind user value`.
fn events(text: &str) -> Vec<(i64, Json)> {
    let each = text.split(',').map(|event| {
        let parts: Vec<_> = event.split_whitespace().collect();
        let mut fields = json!({"kind": parts[1]});
        for (name, value) in ["user", "value"].into_iter().zip(&parts[2..]) {
            if *value != "-" {
                fields[name] = json!(value);
            }
        }
        (parts[0].parse::<i64>().unwrap() * 1000, fields)
    });
    each.collect()
}

#[test]
fn correlations_fire_when_their_condition_begins_to_hold() {
    let count =
        "{type: event_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 3}}";
    for (body, of_events, expect) in [
        // Three within ten seconds; the window is open at its start.
        (count, "1 a u, 2 a u, 3 a u", &["3000 t 3 [u]"][..]),
        (count, "1 a u, 2 a u, 11 a u", &[]),
        (count, "1 a u, 2 a v, 3 a u, 4 b u, 5 a w", &[]),
        // Quiet while it holds; again once it did not hold at an event.
        (count, "1 a u, 2 a u, 3 a u, 4 a u, 12 a u", &["3000 t 3 [u]"]),
        (count, "1 a u, 2 a u, 3 a u, 20 a u, 21 a u, 22 a u", &["3000 t 3 [u]", "22000 t 3 [u]"]),
        // Out of order, within the window; and too late.
        (count, "3 a u, 1 a u, 2 a u", &["2000 t 3 [u]"]),
        (count, "12 a u, 2 a u, 11 a u", &[]),
        // Case does not matter, and the group is shown as it came first.
        (count, "1 a Bob, 2 a bob, 3 a BOB", &["3000 t 3 [Bob]"]),
        // A field that events lack is a group of its own.
        (count, "1 a -, 2 a -, 3 a -, 4 a u", &["3000 t 3 [-]"]),
        // Silence of a whole window begins anew, also where one event is enough.
        (
            "{type: event_count, rules: a, group-by: user, timespan: 10s, condition: {gte: 1}}",
            "1 a u, 5 a u, 15 a u, 16 a u",
            &["1000 t 1 [u]", "15000 t 1 [u]"],
        ),
        // Ranges, and the other comparisons.
        (
            "{type: event_count, rules: a, timespan: 1m, condition: {gt: 1, lte: 2}}",
            "1 a, 2 a, 3 a, 70 a, 71 a",
            &["2000 t 2 []", "71000 t 2 []"],
        ),
        (
            "{type: event_count, rules: a, timespan: 1m, condition: {neq: 2}}",
            "1 a, 2 a, 3 a",
            &["1000 t 1 []", "3000 t 3 []"],
        ),
        (
            "{type: event_count, rules: a, timespan: 1m, condition: {lt: 3}}",
            "1 a, 2 a, 3 a",
            &["1000 t 1 []"],
        ),
        (
            "{type: event_count, rules: a, timespan: 1m, condition: {eq: 2}}",
            "1 a, 2 a, 3 a",
            &["2000 t 2 []"],
        ),
        // An event of two rules counts once.
        (
            "{type: event_count, rules: [a, b], timespan: 1m, condition: {gte: 2}}",
            "1 ab, 2 ab",
            &["2000 t 2 []"],
        ),
        (
            "{type: value_count, rules: [a], group-by: [user], timespan: 10s, condition: {field: value, gte: 2}}",
            "1 a u x, 2 a u X, 3 a u -, 4 a u y, 5 a v z, 12 a u z",
            &["4000 t 2 [u]"],
        ),
        (
            "{type: temporal, rules: [a, b, c], group-by: [user], timespan: 10s}",
            "1 b u, 2 a u, 3 c v, 4 c u",
            &["4000 t 3 [u]"],
        ),
        (
            "{type: temporal, rules: [a, b, c], timespan: 10s, condition: {gte: 2}}",
            "1 b, 12 a, 13 c",
            &["13000 t 2 []"],
        ),
        ("{type: temporal, rules: [a, b], timespan: 10s}", "1 ab", &["1000 t 2 []"]),
        (
            "{type: temporal_ordered, rules: [a, b], timespan: 10s}",
            "1 b, 2 a, 3 ab, 14 b, 15 a",
            &["3000 t 2 []"],
        ),
        ("{type: temporal_ordered, rules: [a, b], timespan: 10s}", "1 ab, 2 c, 3 a", &[]),
        // In order by time, though they came the other way round.
        ("{type: temporal_ordered, rules: [a, b], timespan: 10s}", "3 b, 1 a", &["1000 t 2 []"]),
        ("{type: temporal_ordered, rules: [a, a], timespan: 10s}", "1 a, 2 a", &["2000 t 2 []"]),
        (
            "{type: value_sum, rules: a, timespan: 10s, condition: {field: value, gt: 10}}",
            "1 a u 6, 2 a u x, 3 a u 4.5, 12 a u 1",
            &["3000 t 10.5 []"],
        ),
        (
            "{type: value_avg, rules: a, timespan: 10s, condition: {field: value, lt: 2}}",
            "1 a u -, 2 a u 3, 3 a u 0",
            &["3000 t 1.5 []"],
        ),
        (
            "{type: value_percentile, rules: a, timespan: 10s, condition: {field: value, percentile: 75, gte: 4}}",
            "1 a u 1, 2 a u 2, 3 a u 3, 4 a u 4, 5 a u 5",
            &["5000 t 4 []"],
        ),
        (
            "{type: value_median, rules: a, timespan: 10s, condition: {field: value, eq: 2.5}}",
            "1 a u 4, 2 a u 1, 3 a u 2, 4 a u 3",
            &["2000 t 2.5 []", "4000 t 2.5 []"],
        ),
        // Conditions over names: `not` is until now, so `b` before `a` is in the way, and after it is not.
        (
            "{type: temporal, rules: [a, b], group-by: [user], timespan: 10s, condition: a and not b}",
            "1 b u, 2 a u, 3 a v, 4 b v, 5 a v, 15 a v",
            &["3000 t 1 [v]", "15000 t 1 [v]"],
        ),
        (
            "{type: temporal, timespan: 10s, condition: (a or b) and c}",
            "1 c, 2 b",
            &["2000 t 2 []"],
        ),
        (
            "{type: temporal, rules: [a, b, c], timespan: 10s, condition: all of them}",
            "1 b, 2 a, 3 ac",
            &["3000 t 3 []"],
        ),
        ("{type: temporal, rules: [a, b], timespan: 10s, condition: a and not b}", "1 ab", &[]),
        // What is wanted has to be in its order; what is excluded is wherever it is.
        (
            "{type: temporal_ordered, rules: [a, b, c], timespan: 10s, condition: a and b and not c}",
            "1 b, 2 a, 3 b, 20 a, 21 c, 22 b",
            &["3000 t 2 []"],
        ),
        (
            "{type: temporal_ordered, rules: [a, b], timespan: 10s, condition: a and 1 of b*}",
            "1 a",
            &[],
        ),
        // Names differ from rule to rule.
        (
            "{type: temporal, rules: [a, b], group-by: [who], timespan: 10s, aliases: {who: {a: user, b: value}}}",
            "1 a u v, 2 b v u",
            &["2000 t 2 [u]"],
        ),
    ] {
        let found = firings(&correlation(body), &events(of_events));
        assert_eq!(found, expect, "{body}\n{of_events}");
    }
}

#[test]
fn correlations_take_in_correlations() {
    // The outer one comes first: order in the file does not matter.
    let text = rules()
        + "title: then\ncorrelation: {type: temporal_ordered, rules: [many, b], group-by: [user], timespan: 1m}\n---\n"
        + "title: many\nname: many\ncorrelation: {type: event_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 2}}\n";
    let found = firings(&text, &events("1 a u, 2 a u, 3 b v, 4 b u, 5 a v, 6 a v"));
    assert_eq!(found, ["2000 many 2 [u]", "4000 then 2 [u]", "6000 many 2 [v]"]);
    let pack = event::pack(&text).unwrap();
    let tables = pack.tables();
    let alerts: Vec<_> = tables.rules.iter().map(|rule| rule.alerts).collect();
    assert_eq!(alerts, [false, false, true], "rules that are taken in do not alert by themselves");
    let alerts: Vec<_> = tables.correlations.iter().map(|of| of.alerts).collect();
    assert_eq!(alerts, [false, true]);
    let generate = correlation(
        "{type: event_count, rules: [a], timespan: 10s, condition: {gte: 2}, generate: true}",
    );
    assert!(event::pack(&generate).unwrap().tables().rules[0].alerts);
}

#[test]
fn rules_that_do_not_alert_by_themselves_are_not_enforced() {
    let text = "title: a\nname: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: a.example}, condition: s}\n";
    let request = inspect::Request {
        authority: b"a.example",
        path: Some(b"/"),
        ..inspect::Request::default()
    };
    for (more, expect) in [
        ("", inspect::Action::Deny),
        (
            "---\ntitle: c\ncorrelation: {type: event_count, rules: a, timespan: 1h, condition: {gte: 2}}\n",
            inspect::Action::Allow,
        ),
    ] {
        let mut inspector = Inspector::new(event::pack(&format!("{text}{more}")).unwrap());
        let verdict = inspector.inspect(&request);
        assert_eq!(verdict.matches.len(), 1);
        assert_eq!(verdict.action(inspect::Mode::Enforce), expect, "{more}");
    }
}

#[test]
fn what_cannot_be_run_is_refused_by_code_and_place() {
    for (body, expect) in [
        ("{rules: [a], timespan: 1m, condition: {gte: 1}}", "S005"),
        ("{type: event_count, timespan: 1m, condition: {gte: 1}}", "S005"),
        ("{type: event_count, rules: [a], condition: {gte: 1}}", "S005"),
        ("{type: event_count, rules: [a], timespan: 1m}", "S005"),
        ("[a]", "S006"),
        ("{type: event_count, rules: [[a]], timespan: 1m, condition: {gte: 1}}", "S006"),
        (
            "{type: event_count, rules: [a], timespan: 1m, condition: {gte: 1}, generate: maybe}",
            "S006",
        ),
        ("{type: event_counts, rules: [a], timespan: 1m, condition: {gte: 1}}", "S007"),
        ("{type: event_count, rules: [nope], timespan: 1m, condition: {gte: 1}}", "S052"),
        ("{type: event_count, rules: [a], timespan: 1, condition: {gte: 1}}", "S053"),
        ("{type: event_count, rules: [a], timespan: 0s, condition: {gte: 1}}", "S053"),
        ("{type: event_count, rules: [a], timespan: 1.5h, condition: {gte: 1}}", "S053"),
        ("{type: event_count, rules: [a], timespan: 11y, condition: {gte: 1}}", "S053"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {}}", "S054"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {gte: many}}", "S054"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {ge: 1}}", "S054"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {gte: 1, field: x}}", "S054"),
        ("{type: value_count, rules: [a], timespan: 1m, condition: {gte: 1}}", "S054"),
        (
            "{type: value_percentile, rules: [a], timespan: 1m, condition: {gte: 1, field: x}}",
            "S054",
        ),
        (
            "{type: value_percentile, rules: [a], timespan: 1m, condition: {gte: 1, field: x, percentile: 101}}",
            "S054",
        ),
        // Each rule once, each named, and something that has to match.
        ("{type: temporal, rules: [a, b, c], timespan: 1m, condition: a and not b}", "S054"),
        ("{type: temporal, rules: [a, a], timespan: 1m, condition: a}", "S054"),
        ("{type: temporal, rules: [a], timespan: 1m, condition: a and not b}", "S052"),
        ("{type: temporal, rules: [a], timespan: 1m, condition: 1 of x*}", "S052"),
        ("{type: temporal, timespan: 1m, condition: a and nope}", "S052"),
        ("{type: temporal, timespan: 1m, condition: 1 of them}", "S005"),
        ("{type: temporal, rules: [a, b], timespan: 1m, condition: a and}", "S030"),
        ("{type: temporal, rules: [a, b], timespan: 1m, condition: a AND b}", "S030"),
        ("{type: temporal, rules: [a, b], timespan: 1m, condition: 2 of them}", "S033"),
        ("{type: temporal, rules: [b], timespan: 1m, condition: not b}", "S060"),
        ("{type: temporal_ordered, rules: [a, b], timespan: 1m, condition: a or not b}", "S060"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: a}", "S006"),
        (
            "{type: event_count, rules: [a], timespan: 1m, condition: {gte: 1}, aliases: {x: {a: y}}}",
            "S056",
        ),
        (
            "{type: event_count, rules: [a], group-by: x, timespan: 1m, condition: {gte: 1}, aliases: {x: {b: y}}}",
            "S056",
        ),
        ("{type: event_count, rules: [a], groupby: x, timespan: 1m, condition: {gte: 1}}", "S058"),
        ("{type: event_count, rules: [a], timespan: 1m, condition: {gte: 16385}}", "S059"),
    ] {
        let error = event::pack(&correlation(body)).unwrap_err();
        assert_eq!(error.split(' ').next(), Some(expect), "{body}: {error}");
        assert!(error[5..].starts_with("17:") || error[5..].starts_with("16:"), "{body}: {error}");
    }
    let circle = rules()
        + "title: x\nname: x\ncorrelation: {type: temporal, rules: [y], timespan: 1m}\n---\n"
        + "title: y\nname: y\ncorrelation: {type: temporal, rules: [x], timespan: 1m}\n";
    assert!(event::pack(&circle).unwrap_err().starts_with("S055"));
    let twice =
        rules() + &rules() + "title: x\ncorrelation: {type: temporal, rules: [a], timespan: 1m}\n";
    assert!(event::pack(&twice).unwrap_err().starts_with("S052"));
    let proxy = "title: a\nname: a\nlogsource: {category: proxy}\ndetection: {s: {cs-host: x}, condition: s}\n---\ntitle: c\ncorrelation: {type: event_count, rules: a, group-by: cs-hots, timespan: 1m, condition: {gte: 1}}\n";
    assert!(event::pack(proxy).unwrap_err().starts_with("S012 7:"));
}

#[test]
fn state_is_bounded_and_what_is_dropped_is_counted() {
    let text = correlation(
        "{type: event_count, rules: [a], group-by: [user], timespan: 10s, condition: {gte: 16384}}",
    );
    let mut inspector = Inspector::new(event::pack(&text).unwrap());
    let mut correlator = Correlator::new(inspector.pack());
    let mut observe = |user: usize, time: i64| {
        let verdict = event::inspect(&mut inspector, &json!({"kind": "a", "user": user}));
        let hits = inspector.correlation_hits(&verdict);
        let n_firings = correlator.observe(inspector.pack(), &hits, time).len();
        (n_firings, correlator.n_groups(), correlator.counts())
    };
    let n_firings: usize = (0..MAX_GROUP_EVENTS + 5).map(|_| observe(0, 1).0).sum();
    assert_eq!(n_firings, 1);
    assert_eq!(observe(0, 1).2.evicted_events, 6);
    for user in 1..MAX_GROUPS + 3 {
        observe(user, 2);
    }
    let (_, n_groups, counts) = observe(0, 2);
    assert_eq!((n_groups, counts.evicted_groups), (MAX_GROUPS, 4));
    // The group of user 0 was dropped and starts anew, so a late event is only recognised there.
    assert_eq!(observe(0, 100_000).2.late_events, 0);
    assert_eq!(observe(0, 90_000).2.late_events, 1);
}

/// A plain evaluator: every event of a group that was not late, the window cut out anew each time.
#[derive(Default)]
struct Plain {
    groups: BTreeMap<String, (Vec<Seen>, bool)>,
}

#[derive(Clone)]
struct Seen {
    time: i64,
    kind: String,
    value: Option<String>,
}

const TIMESPAN: i64 = 10_000;

impl Plain {
    /// The value with which the correlation fires on an event, if it does.
    fn observe(
        &mut self,
        kind: &str,
        n_rules: usize,
        least: f64,
        at: i64,
        fields: &Json,
    ) -> Option<f64> {
        let text = |name: &str| fields[name].as_str().map(str::to_lowercase);
        let of_kind = text("kind").unwrap();
        if !["a", "b", "c"][..n_rules].iter().any(|rule| of_kind.contains(rule)) {
            return None;
        }
        let group = text("user").unwrap_or_else(|| "(none)".into());
        let (seen, held) = self.groups.entry(group).or_default();
        let newest = seen.iter().map(|seen| seen.time).max();
        if newest.is_some_and(|newest| at <= newest - TIMESPAN) {
            return None;
        }
        if newest.is_some_and(|newest| at - newest >= TIMESPAN) {
            *held = false;
        }
        seen.push(Seen { time: at, kind: of_kind, value: text("value") });
        let newest = newest.unwrap_or(at).max(at);
        let mut window: Vec<_> =
            seen.iter().filter(|seen| seen.time > newest - TIMESPAN).cloned().collect();
        window.sort_by_key(|seen| seen.time);
        let mut numbers: Vec<f64> =
            window.iter().filter_map(|seen| seen.value.as_ref()?.parse().ok()).collect();
        numbers.sort_by(f64::total_cmp);
        let percentile = |share: f64| {
            let rank = (numbers.len().checked_sub(1)?) as f64 * share;
            let (below, above) = (numbers[rank.floor() as usize], numbers[rank.ceil() as usize]);
            Some(below + (above - below) * (rank - rank.floor()))
        };
        let value = match kind {
            "event_count" => Some(window.len() as f64),
            "value_count" => {
                let mut values: Vec<_> =
                    window.iter().filter_map(|seen| seen.value.clone()).collect();
                values.sort();
                values.dedup();
                Some(values.len() as f64)
            }
            "temporal" => {
                let there = |rule: &&&str| window.iter().any(|seen| seen.kind.contains(**rule));
                Some(["a", "b", "c"][..n_rules].iter().filter(there).count() as f64)
            }
            "temporal_ordered" => {
                let mut wanted = ["a", "b", "c"][..n_rules].iter().peekable();
                for seen in &window {
                    wanted.next_if(|rule| seen.kind.contains(**rule));
                }
                Some((n_rules - wanted.count()) as f64)
            }
            "value_sum" if !numbers.is_empty() => Some(numbers.iter().sum()),
            "value_avg" if !numbers.is_empty() => {
                Some(numbers.iter().sum::<f64>() / numbers.len() as f64)
            }
            "value_percentile" => percentile(0.9),
            "value_median" => percentile(0.5),
            _ => None,
        };
        let holds = value.is_some_and(|value| value >= least);
        let fires = holds && !*held;
        *held = holds;
        value.filter(|_| fires)
    }
}

fn timed_event() -> impl Strategy<Value = (i64, Json)> {
    let select = |values: &'static [&'static str]| proptest::sample::select(values);
    let kind = select(&["a", "b", "c", "ab", "bc", "abc", "x"]);
    let user = select(&["u", "U", "v", "-"]);
    let value = select(&["1", "2", "2", "7.5", "-3", "x", "X", "-"]);
    (-6_000..4_000i64, kind, user, value).prop_map(|(step, kind, user, value)| {
        let mut fields = json!({"kind": kind});
        for (name, value) in [("user", user), ("value", value)] {
            if value != "-" {
                fields[name] = json!(value);
            }
        }
        (step, fields)
    })
}

/// A condition over names, and whether it holds where some of the rules have an event.
#[derive(Clone, Debug)]
enum Tree {
    Rule(usize),
    Both(Box<Tree>, Box<Tree>),
    Either(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
}

impl Tree {
    fn text(&self) -> String {
        match self {
            Tree::Rule(idx) => ["a", "b", "c"][*idx].into(),
            Tree::Both(left, right) => format!("({} and {})", left.text(), right.text()),
            Tree::Either(left, right) => format!("({} or {})", left.text(), right.text()),
            Tree::Not(part) => format!("not {}", part.text()),
        }
    }

    fn holds(&self, seen: [bool; 3]) -> bool {
        match self {
            Tree::Rule(idx) => seen[*idx],
            Tree::Both(left, right) => left.holds(seen) && right.holds(seen),
            Tree::Either(left, right) => left.holds(seen) || right.holds(seen),
            Tree::Not(part) => !part.holds(seen),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    (0..3_usize).prop_map(Tree::Rule).prop_recursive(4, 12, 2, |part| {
        let pair = || (part.clone(), part.clone());
        prop_oneof![
            pair().prop_map(|(left, right)| Tree::Both(left.into(), right.into())),
            pair().prop_map(|(left, right)| Tree::Either(left.into(), right.into())),
            part.clone().prop_map(|part| Tree::Not(part.into())),
        ]
    })
}

/// The events of a group: when each was, and which rules matched it.
type GroupEvents = Vec<(i64, [bool; 3])>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_condition_over_names_holds_as_its_tree_does(
        tree in tree(),
        steps in proptest::collection::vec(timed_event(), 1..30),
    ) {
        let condition = tree.text();
        let body = format!("{{type: temporal, group-by: [user], timespan: 10s, condition: '{condition}'}}");
        let pack = event::pack(&correlation(&body));
        if tree.holds([false; 3]) {
            prop_assert!(pack.unwrap_err().starts_with("S060"), "{}", condition);
            return Ok(());
        }
        let mut inspector = Inspector::new(pack.unwrap());
        let mut correlator = Correlator::new(inspector.pack());
        let named = |kind: &str| ["a", "b", "c"].map(|rule| condition.replace("and", "").contains(rule) && kind.contains(rule));
        let mut groups: BTreeMap<String, (GroupEvents, bool)> = BTreeMap::new();
        let mut now = 0;
        for (step, fields) in &steps {
            now += step + 2_000;
            let verdict = event::inspect(&mut inspector, fields);
            let hits = inspector.correlation_hits(&verdict);
            let fired = !correlator.observe(inspector.pack(), &hits, now).is_empty();
            let rules = named(fields["kind"].as_str().unwrap());
            let (seen, held) = groups.entry(fields["user"].to_string().to_lowercase()).or_default();
            let newest = seen.iter().map(|(time, _)| *time).max();
            if rules == [false; 3] || newest.is_some_and(|newest| now <= newest - TIMESPAN) {
                prop_assert!(!fired);
                continue;
            }
            *held &= newest.is_none_or(|newest| now - newest < TIMESPAN);
            seen.push((now, rules));
            let newest = newest.unwrap_or(now).max(now);
            let window = seen.iter().filter(|(time, _)| *time > newest - TIMESPAN);
            let all = window.fold([false; 3], |all, (_, rules)| [0, 1, 2].map(|idx| all[idx] || rules[idx]));
            let holds = tree.holds(all);
            prop_assert_eq!(fired, holds && !*held, "{} at {}: {:?}", condition, now, steps);
            *held = holds;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_correlator_agrees_with_the_plain_evaluator(
        kind in proptest::sample::select(&["event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median"][..]),
        n_rules in 1..4usize,
        least in 1..5u8,
        steps in proptest::collection::vec(timed_event(), 1..40),
    ) {
        let names = &["a", "b", "c"][..n_rules];
        let field = match kind {
            "event_count" | "temporal" | "temporal_ordered" => "",
            "value_percentile" => "field: value, percentile: 90, ",
            _ => "field: value, ",
        };
        let text = correlation(&format!(
            "{{type: {kind}, rules: [{}], group-by: [user], timespan: 10s, condition: {{{field}gte: {least}}}}}",
            names.join(", ")
        ));
        let mut inspector = Inspector::new(event::pack(&text).unwrap());
        let mut correlator = Correlator::new(inspector.pack());
        let mut plain = Plain::default();
        let mut now = 0;
        for (step, fields) in &steps {
            // Two steps forward for one back, on average.
            now += step + 2_000;
            let verdict = event::inspect(&mut inspector, fields);
            let hits = inspector.correlation_hits(&verdict);
            let fired = correlator.observe(inspector.pack(), &hits, now);
            let fired = fired.first().map(|firing| firing.value);
            let expect = plain.observe(kind, n_rules, f64::from(least), now, fields);
            prop_assert_eq!(fired, expect, "{} at {}: {:?}", text, now, steps);
        }
    }
}
