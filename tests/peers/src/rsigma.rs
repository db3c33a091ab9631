//! rsigma's answers: one compiled rule at a time, without its indexes, which is its plain evaluator.

use rsigma_eval::{CompiledRule, JsonEvent, compile_rule, evaluate_rule};
use serde_json::Value;

use crate::rule::Rule;

/// A rule, or why rsigma refuses it.
pub fn compile(rule: &Rule) -> Result<CompiledRule, String> {
    let collection =
        rsigma_parser::parse_sigma_yaml(&rule.yaml()).map_err(|error| error.to_string())?;
    if let Some(error) = collection.errors().next() {
        return Err(error.to_string());
    }
    let rule = collection.rules.first().ok_or("no rule")?;
    compile_rule(rule).map_err(|error| error.to_string())
}

/// Whether a rule matches.
pub fn matches(rule: &CompiledRule, event: &Value) -> bool {
    evaluate_rule(rule, &JsonEvent::borrow(event)).is_some()
}
