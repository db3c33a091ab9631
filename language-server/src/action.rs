//! Fixes as code actions.

use std::collections::HashMap;

use diagnostics::{Finding, Fix};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Range, TextEdit, Uri, WorkspaceEdit,
};

use crate::{Document, diagnostic};

/// The fixes that findings in a range offer, and one of all fixes of the file. `only` are the kinds that the editor
/// asks for; all kinds without it.
pub(crate) fn at(
    range: Range,
    uri: &Uri,
    document: &Document,
    findings: &[Finding],
    only: Option<&[CodeActionKind]>,
) -> Vec<CodeActionOrCommand> {
    // `source` asks for `source.fixAll`, too.
    let is_wanted = |kind: &CodeActionKind| {
        only.is_none_or(|only| {
            only.iter().any(|wanted| {
                let rest = kind.as_str().strip_prefix(wanted.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        })
    };
    let mut actions = Vec::new();
    for finding in findings.iter().filter(|_| is_wanted(&CodeActionKind::QUICKFIX)) {
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
    if !is_wanted(&CodeActionKind::SOURCE_FIX_ALL) {
        return actions;
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
