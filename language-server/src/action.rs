//! Fixes as code actions.

use std::collections::HashMap;

use diagnostics::{Finding, Fix};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::{Document, diagnostic};

/// The fixes that findings in a range offer, and one of all fixes of the file.
pub(crate) fn at(
    range: Range,
    uri: &Uri,
    document: &Document,
    findings: &[Finding],
) -> Vec<CodeActionOrCommand> {
    let mut actions = Vec::new();
    for finding in findings {
        let shown = diagnostic::of(finding, document, &|_| None);
        let Some(fix) = finding.diagnostic.fix.as_deref().filter(|_| meet(shown.range, range))
        else {
            continue;
        };
        actions.push(CodeActionOrCommand::CodeAction(CodeAction {
            title: fix.title.clone(),
            kind: Some(CodeActionKind::QUICKFIX),
            is_preferred: Some(true),
            edit: Some(changes(uri, edits(fix, document))),
            diagnostics: Some(vec![shown]),
            ..CodeAction::default()
        }));
    }
    let fixes = findings.iter().filter_map(|finding| finding.diagnostic.fix.as_deref());
    let (text, n_applied) = knowledge::fix::apply(&document.text, fixes);
    if n_applied > 0 {
        let whole = document.range_of(0..document.text.len());
        let edit = changes(uri, vec![TextEdit { range: whole, new_text: text }]);
        actions.push(CodeActionOrCommand::CodeAction(CodeAction {
            title: "apply all fixes of this file".to_owned(),
            kind: Some(CodeActionKind::SOURCE_FIX_ALL),
            edit: Some(edit),
            ..CodeAction::default()
        }));
    }
    actions
}

fn edits(fix: &Fix, document: &Document) -> Vec<TextEdit> {
    let edits = fix.edits.iter();
    edits
        .map(|edit| TextEdit {
            range: document.range(edit.span),
            new_text: edit.replacement.clone(),
        })
        .collect()
}

#[expect(clippy::mutable_key_type, reason = "the type of the protocol; the key is not changed")]
fn changes(uri: &Uri, edits: Vec<TextEdit>) -> WorkspaceEdit {
    let changes = HashMap::from([(uri.clone(), edits)]);
    WorkspaceEdit { changes: Some(changes), ..WorkspaceEdit::default() }
}

/// Returns true if two ranges touch.
fn meet(left: Range, right: Range) -> bool {
    left.start <= right.end && right.start <= left.end
}
