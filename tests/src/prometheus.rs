//! A gateway as Prometheus sees it: its metrics as they are scraped, and the alert rules of
//! `examples/monitoring` evaluated on them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{admin, workspace};

/// The instance that samples are said to be of: Prometheus adds this label itself.
pub const INSTANCE: &str = "gateway";

/// A series and its value, as `name{label="value"}` and a number.
pub type Sample = (String, String);

/// The metrics that Envoy serves for Prometheus now.
pub fn scrape(admin: &admin::Address) -> Result<Vec<Sample>> {
    let text = admin::get(admin, "/stats/prometheus")?;
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    // A label's value may hold spaces; the number behind it does not.
    samples
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').context("a sample has a value")?;
            Ok((series.to_owned(), value.to_owned()))
        })
        .collect()
}

/// The name of a series, without labels.
pub fn name(series: &str) -> &str {
    series.split('{').next().unwrap_or(series)
}

/// The names of a series' labels.
pub fn labels(series: &str) -> Vec<&str> {
    let inside = series.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
    inside.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name).collect()
}

/// Scrapes in the order in which they were made. Time is made up: a minute lies between two.
#[derive(Clone, Debug, Default)]
pub struct History {
    series: BTreeMap<String, Vec<Option<String>>>,
    n_scrapes: usize,
}

impl History {
    /// Scrapes once more.
    pub fn scrape(&mut self, admin: &admin::Address) -> Result<()> {
        for (series, value) in scrape(admin)? {
            let values = self.series.entry(series).or_default();
            values.resize(self.n_scrapes, None);
            values.push(Some(value));
        }
        self.n_scrapes += 1;
        Ok(())
    }

    /// Holds the alert rules against the scrapes, at the time of the last one: an error unless each
    /// alert that is named here fires with these labels (beside the instance) and annotations, or, where
    /// there are none, does not fire.
    pub fn check_alerts(&self, alerts: &[(&str, Option<Value>)]) -> Result<()> {
        let rules = workspace::root().join("examples/monitoring/alerts.yml");
        let input: Vec<_> =
            self.series.iter().map(|(series, values)| input(series, values)).collect();
        let minutes = self.n_scrapes.saturating_sub(1);
        let tests: Vec<_> = alerts
            .iter()
            .map(|(alert, fires)| {
                let expect: Vec<_> = fires.iter().cloned().collect();
                json!({"eval_time": format!("{minutes}m"), "alertname": alert, "exp_alerts": expect})
            })
            .collect();
        let test = json!({"interval": "1m", "input_series": input, "alert_rule_test": tests});
        // JSON is YAML.
        let file = json!({"rule_files": [rules], "evaluation_interval": "1m", "tests": [test]});
        let folder = TempDir::with_prefix("tidegate-alerts-")?;
        fs::write(folder.path().join("test.yml"), file.to_string())?;
        let mut promtool = Command::new("promtool");
        let output = promtool.args(["test", "rules", "test.yml"]).current_dir(&folder).output()?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
        Ok(())
    }
}

fn input(series: &str, values: &[Option<String>]) -> Value {
    let instance = format!("instance=\"{INSTANCE}\"");
    let series = match series.split_once('{') {
        Some((name, "}")) => format!("{name}{{{instance}}}"),
        Some((name, rest)) => format!("{name}{{{instance},{rest}"),
        None => format!("{series}{{{instance}}}"),
    };
    let values = values.iter().map(|value| value.as_deref().unwrap_or("_"));
    json!({"series": series, "values": values.collect::<Vec<_>>().join(" ")})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_name_and_labels() {
        for (series, expect, labels_of) in [
            ("up", "up", &[][..]),
            ("up{}", "up", &[]),
            (r#"a_total{rule="x, y=z",action="deny"}"#, "a_total", &["rule", "action"]),
        ] {
            assert_eq!((name(series), labels(series).as_slice()), (expect, labels_of), "{series}");
        }
    }
}
