//! `tidegate check`.

use clap::Args;
use jiff::Timestamp;
use knowledge::{policy, report};
use serde_json::json;

use super::policy::PolicyInput;
use super::{Format, Inputs, Outcome, counted, render};

/// Tells everything that is wrong with notes and rules: exit code 1 if anything is.
#[derive(Args, Debug)]
pub(crate) struct Check {
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    policy: PolicyInput,
    /// Also tell the exceptions of the policy that expire within this time, as `7d`, or have expired
    #[arg(long, value_name = "TIME", requires = "policy", value_parser = seconds)]
    expiring: Option<u64>,
    /// The time by which exceptions are held, as `2027-01-31` [default: the clock's]
    #[arg(long, value_name = "TIME", requires = "expiring", value_parser = moment)]
    now: Option<u64>,
    /// Also tell what looks wrong in rules that run: evadable, never true, noisy, or nameless
    #[arg(long)]
    lint: bool,
    /// How to write what is found
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Check {
    pub(super) fn run(&self) -> Outcome {
        let (mut library, n_files) = match self.inputs.library() {
            Ok(read) => read,
            Err(outcome) => return outcome,
        };
        let given = match self.policy.read(&mut library) {
            Ok(given) => given,
            Err(outcome) => return outcome,
        };
        if let (Some(policy), Some(within)) = (&given.policy, self.expiring) {
            let clock = || u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
            library.findings.extend(policy.due(self.now.unwrap_or_else(clock), within));
        }
        // The compiler refuses what only shows when a rule is put to work, as an automaton's size.
        match given.compile(&library, "check", 0) {
            Ok(compilation) => library.findings.extend(compilation.findings),
            Err(finding) => library.findings.push(*finding),
        }
        if self.lint {
            library.findings.append(&mut library.lint());
        }
        report::sort(&mut library.findings);
        let (n_errors, n_warnings) = report::count(&library.findings);
        let summary = format!(
            "{}, {}: {}, {}\n",
            counted(n_files, "file"),
            counted(library.n_read, "rule"),
            counted(n_errors, "error"),
            counted(n_warnings, "warning"),
        );
        let numbers = [("files", json!(n_files)), ("rules", json!(library.n_read))];
        let stdout = render(self.format, &library.findings, &library.sources, &summary, &numbers);
        Outcome { stdout, code: u8::from(!library.findings.is_empty()), ..Outcome::default() }
    }
}

fn seconds(text: &str) -> Result<u64, &'static str> {
    policy::seconds(text).ok_or("write a number and `h`, `d` or `w`, as `7d`")
}

pub(super) fn moment(text: &str) -> Result<u64, &'static str> {
    policy::moment(text).ok_or("write a day or a time, as `2027-01-31` or `2027-01-31T12:00:00Z`")
}
