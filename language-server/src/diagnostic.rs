//! Findings as an editor shows them.

use diagnostics::{Finding, Place, Severity};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
};

use crate::Document;

/// Converts a finding about `document`. `locate` returns where another place is, if its file can be read.
pub(crate) fn of(
    finding: &Finding,
    document: &Document,
    locate: &dyn Fn(&Place) -> Option<Location>,
) -> Diagnostic {
    let found = &finding.diagnostic;
    let mut message = found.message.clone();
    if !found.help.is_empty() {
        message.push_str("\nhelp: ");
        message.push_str(&found.help);
    }
    for line in &finding.details {
        message.push('\n');
        message.push_str(line);
    }
    let related = finding.related.iter().filter_map(|related| {
        let location = locate(&related.place)?;
        Some(DiagnosticRelatedInformation { location, message: related.message.clone() })
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range: document.range(found.place.span),
        severity: Some(match found.code.severity {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(found.code.id.to_owned())),
        source: Some("tidegate".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}
