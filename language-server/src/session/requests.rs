//! Requests of an editor, each with its answer.

use std::sync::Arc;

use lsp_server::{ErrorCode, Message, Request, Response};
use lsp_types::notification::ShowMessage;
use lsp_types::request::{self as requests, Request as _};
use lsp_types::{
    CompletionResponse, GotoDefinitionResponse, Location, MessageType, Position, ShowMessageParams,
    Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Open, Session, invalid, notify};
use crate::definition::Definition;
use crate::disk::Disk;
use crate::examples::{self, Examples};
use crate::{action, completion, definition, hover, lens};

impl<D: Disk> Session<D> {
    pub(super) fn request(&mut self, request: Request) -> Vec<Message> {
        if request.method == requests::ExecuteCommand::METHOD {
            return self.run_examples(request);
        }
        let Request { id, method, params } = request;
        let answered = match method.as_str() {
            requests::HoverRequest::METHOD => answer::<requests::HoverRequest>(params, |params| {
                let at = params.text_document_position_params;
                let (name, open, offset) = self.at(&at.text_document.uri, at.position)?;
                hover::at(&self.project, &name, &open.document, offset, &open.findings)
            }),
            requests::Completion::METHOD => answer::<requests::Completion>(params, |params| {
                let at = params.text_document_position;
                let (name, open, offset) = self.at(&at.text_document.uri, at.position)?;
                let items = completion::at(&self.project, &name, &open.document, offset);
                Some(CompletionResponse::Array(items))
            }),
            requests::GotoDefinition::METHOD => {
                answer::<requests::GotoDefinition>(params, |params| {
                    let at = params.text_document_position_params;
                    let uri = at.text_document.uri;
                    let (name, open, offset) = self.at(&uri, at.position)?;
                    let found = definition::at(&self.project, &name, &open.document, offset);
                    let found = found.into_iter().filter_map(|definition| match definition {
                        Definition::Here(range) => {
                            let range = open.document.range_of(range);
                            Some(Location { uri: uri.clone(), range })
                        }
                        Definition::There(place) => self.location(&place),
                    });
                    Some(GotoDefinitionResponse::Array(found.collect()))
                })
            }
            requests::CodeActionRequest::METHOD => {
                answer::<requests::CodeActionRequest>(params, |params| {
                    let open = self.open.get(&self.name(&params.text_document.uri)?)?;
                    let only = params.context.only.as_deref();
                    Some(action::at(params.range, &open.uri, &open.document, &open.findings, only))
                })
            }
            requests::CodeLensRequest::METHOD => {
                answer::<requests::CodeLensRequest>(params, |params| {
                    let name = self.name(&params.text_document.uri)?;
                    let open = self.open.get(&name)?;
                    let examples = Examples::of(&name, &open.document.text)?;
                    Some(lens::of(&open.uri, &open.document, &examples, open.outcome.as_ref()))
                })
            }
            method => {
                let message = format!("there is no method `{}`", method.escape_debug());
                let code = ErrorCode::MethodNotFound as i32;
                return vec![Response::new_err(id, code, message).into()];
            }
        };
        vec![match answered {
            Ok(result) => Response::new_ok(id, result).into(),
            Err(error) => invalid(id, &error).into(),
        }]
    }

    /// Runs the examples of a note, and shows what came of it.
    fn run_examples(&mut self, request: Request) -> Vec<Message> {
        let Request { id, params, .. } = request;
        let command = params.get("command").and_then(Value::as_str);
        let uri = params.pointer("/arguments/0").and_then(Value::as_str);
        let uri = uri.and_then(|uri| uri.parse::<Uri>().ok());
        let name = uri.and_then(|uri| self.name(&uri));
        let (Some(lens::RUN), Some(name)) = (command, name) else {
            let code = ErrorCode::InvalidParams as i32;
            let message = format!("the command is `{}`, with the address of a note", lens::RUN);
            return vec![Response::new_err(id, code, message).into()];
        };
        let outcome = examples::run(&self.project, &name);
        let n_failed = outcome.findings.len();
        let summary = outcome.summary();
        let result = json!({
            "run": outcome.n_run,
            "failed": n_failed,
            "summary": summary,
            "findings": outcome.findings.iter().map(finding).collect::<Vec<_>>(),
        });
        let typ = if n_failed == 0 { MessageType::INFO } else { MessageType::WARNING };
        let message = format!("{name}: {summary}");
        if let Some(open) = self.open.get_mut(&name) {
            open.outcome = Some(outcome);
        }
        let mut messages = vec![Response::new_ok(id, result).into()];
        messages.push(notify::<ShowMessage>(ShowMessageParams { typ, message }));
        messages.extend(self.refresh_lenses());
        messages
    }

    /// The open file of an address, and the byte offset of a position in it.
    fn at(&self, uri: &Uri, position: Position) -> Option<(Arc<str>, &Open, usize)> {
        let name = self.name(uri)?;
        let open = self.open.get(&name)?;
        Some((name, open, open.document.offset(position)))
    }
}

fn finding(finding: &diagnostics::Finding) -> Value {
    let found = &finding.diagnostic;
    json!({
        "code": found.code.id,
        "line": found.place.span.line,
        "message": found.message,
        "details": finding.details,
    })
}

/// Answers a request: `null` where there is nothing to say.
fn answer<R: requests::Request>(
    params: Value,
    answer: impl FnOnce(R::Params) -> R::Result,
) -> Result<Value, serde_json::Error>
where
    R::Params: DeserializeOwned,
    R::Result: serde::Serialize,
{
    serde_json::to_value(answer(serde_json::from_value(params)?))
}
