//! The protocol: messages of an editor in, messages to it out.

mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use diagnostics::{Finding, Place, report};
use inspect::pack::HostMatching;
use knowledge::Placeholders;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self as notifications, Notification as _};
use lsp_types::request::{CodeLensRefresh, Request as _};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CodeLensOptions,
    CompletionOptions, ExecuteCommandOptions, HoverProviderCapability, InitializeParams, Location,
    OneOf, PositionEncodingKind, PublishDiagnosticsParams, SaveOptions, ServerCapabilities,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, Uri,
};
use serde_json::{Value, json};
use url::Url;

use crate::disk::{Disk, Files};
use crate::examples::Outcome;
use crate::roots::Roots;
use crate::{Document, Project, diagnostic, lens};

/// The state of a connection to an editor.
#[derive(Debug)]
pub struct Session<D> {
    disk: D,
    roots: Roots,
    project: Project,
    /// Findings about files that cannot be read.
    unread: Vec<Finding>,
    open: BTreeMap<Arc<str>, Open>,
    /// Open files whose findings may have changed.
    stale: BTreeSet<Arc<str>>,
    /// Files that have no findings any more.
    closed: Vec<Uri>,
    /// Whether the editor asks for lenses again on request.
    refreshes_lenses: bool,
    n_requests: i32,
}

/// A text that the editor has.
#[derive(Debug)]
struct Open {
    uri: Uri,
    version: i32,
    document: Document,
    findings: Vec<Finding>,
    outcome: Option<Outcome>,
}

/// The folder of a project that the editor names: the first, where it has several.
fn folder(params: &InitializeParams) -> Option<PathBuf> {
    let first = params.workspace_folders.iter().flatten().next().map(|folder| &folder.uri);
    #[expect(deprecated, reason = "editors still send it, some of them nothing else")]
    let uri = first.or(params.root_uri.as_ref())?;
    path(uri)
}

fn path(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

impl<D: Disk> Session<D> {
    /// The folder that an editor's first message names, if it names one.
    pub fn folder_of(initialize: &Value) -> Option<PathBuf> {
        folder(&serde_json::from_value(initialize.clone()).ok()?)
    }

    /// Starts a session over the files of a project. `initialize` is the editor's first message.
    pub fn new(
        mut disk: D,
        roots: Roots,
        initialize: &Value,
        placeholders: Placeholders,
        hosts: HostMatching,
    ) -> Session<D> {
        let Files { files, findings } = disk.read().unwrap_or_default();
        let refresh = initialize.pointer("/capabilities/workspace/codeLens/refreshSupport");
        Session {
            disk,
            roots,
            project: Project::new(files, placeholders, hosts),
            unread: findings,
            open: BTreeMap::new(),
            stale: BTreeSet::new(),
            closed: Vec::new(),
            refreshes_lenses: refresh == Some(&Value::Bool(true)),
            n_requests: 0,
        }
    }

    /// What the server can do, as the answer to the editor's first message has it.
    pub fn capabilities(version: &str) -> Value {
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::FULL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions::default())),
            ..TextDocumentSyncOptions::default()
        };
        let characters = ["|", "%", " "];
        let capabilities = ServerCapabilities {
            position_encoding: Some(PositionEncodingKind::UTF16),
            text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(characters.map(str::to_owned).to_vec()),
                ..CompletionOptions::default()
            }),
            definition_provider: Some(OneOf::Left(true)),
            code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(vec![
                    CodeActionKind::QUICKFIX,
                    CodeActionKind::SOURCE_FIX_ALL,
                ]),
                ..CodeActionOptions::default()
            })),
            code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: vec![lens::RUN.to_owned()],
                ..ExecuteCommandOptions::default()
            }),
            ..ServerCapabilities::default()
        };
        json!({
            "capabilities": capabilities,
            "serverInfo": { "name": "tidegate", "version": version },
        })
    }

    /// Takes a message, and returns the answers. Findings follow with [`Session::publish`].
    pub fn take(&mut self, message: Message) -> Vec<Message> {
        match message {
            Message::Request(request) => self.request(request),
            Message::Notification(notification) => {
                self.notification(notification);
                Vec::new()
            }
            // The answer to a refresh: nothing follows from it.
            Message::Response(_) => Vec::new(),
        }
    }

    /// The findings about open files that changed since the last call. A caller that has more messages takes
    /// these first, so that a burst of keystrokes is judged once.
    pub fn publish(&mut self) -> Vec<Message> {
        let closed = std::mem::take(&mut self.closed).into_iter();
        let nothing = |uri| PublishDiagnosticsParams::new(uri, Vec::new(), None);
        let mut messages: Vec<Message> =
            closed.map(|uri| notify::<notifications::PublishDiagnostics>(nothing(uri))).collect();
        for name in std::mem::take(&mut self.stale) {
            let mut findings = self.project.findings(&name);
            let of_file = |finding: &&Finding| finding.diagnostic.place.file == name;
            findings.extend(self.unread.iter().filter(of_file).cloned());
            report::sort(&mut findings);
            let Some(open) = self.open.get(&name) else { continue };
            let shown = findings.iter();
            let shown = shown
                .map(|finding| {
                    diagnostic::of(finding, &open.document, &|place| self.location(place))
                })
                .collect();
            let params = PublishDiagnosticsParams::new(open.uri.clone(), shown, Some(open.version));
            messages.push(notify::<notifications::PublishDiagnostics>(params));
            if let Some(open) = self.open.get_mut(&name) {
                open.findings = findings;
            }
        }
        messages
    }

    fn notification(&mut self, notification: Notification) {
        match notification.method.as_str() {
            notifications::DidOpenTextDocument::METHOD => {
                let Some(params) = params::<notifications::DidOpenTextDocument>(notification)
                else {
                    return;
                };
                let item = params.text_document;
                self.read_disk();
                self.set_text(item.uri, item.version, item.text);
            }
            notifications::DidChangeTextDocument::METHOD => {
                let Some(params) = params::<notifications::DidChangeTextDocument>(notification)
                else {
                    return;
                };
                // All of the text: the server asks for nothing else.
                if let Some(change) = params.content_changes.into_iter().next_back() {
                    let document = params.text_document;
                    self.set_text(document.uri, document.version, change.text);
                }
            }
            notifications::DidCloseTextDocument::METHOD => {
                let Some(params) = params::<notifications::DidCloseTextDocument>(notification)
                else {
                    return;
                };
                if let Some(name) = self.name(&params.text_document.uri) {
                    self.close(&name);
                }
            }
            notifications::DidSaveTextDocument::METHOD
            | notifications::DidChangeWatchedFiles::METHOD => self.read_disk(),
            _ => {}
        }
    }

    fn set_text(&mut self, uri: Uri, version: i32, text: String) {
        let names = self.names(&uri);
        let Some(name) = names.iter().find(|name| self.disk.includes(name, &text)) else {
            // It may have been part of the project until now, as a README with a `kind`.
            for name in names {
                self.close(&name);
            }
            return;
        };
        let name = Arc::clone(name);
        self.closed.retain(|closed| *closed != uri);
        let changed = self.project.set(&name, Some(text.clone().into_bytes()));
        self.mark(changed);
        let document = Document::new(text);
        let (findings, outcome) = (Vec::new(), None);
        let open = Open { uri, version, document, findings, outcome };
        self.open.insert(Arc::clone(&name), open);
        self.stale.insert(name);
    }

    /// Gives a text up that the editor closed: the file on the disk counts again.
    fn close(&mut self, name: &Arc<str>) {
        let Some(open) = self.open.remove(name) else { return };
        self.closed.push(open.uri);
        self.stale.remove(name);
        let on_disk = self.disk.file(name);
        let changed = self.project.set(name, on_disk);
        self.mark(changed);
    }

    /// Takes over what changed on the disk; texts that the editor has are kept.
    fn read_disk(&mut self) {
        let Some(Files { files, findings }) = self.disk.read() else { return };
        self.unread = findings;
        let mut gone: BTreeSet<_> = self.project.names().map(Arc::clone).collect();
        for file in files {
            gone.remove(&file.name);
            let is_same = self.project.bytes(&file.name) == Some(file.bytes.as_slice());
            if !is_same && !self.open.contains_key(&file.name) {
                let changed = self.project.set(&file.name, Some(file.bytes));
                self.mark(changed);
            }
        }
        gone.retain(|name| !self.open.contains_key(name));
        for name in gone {
            let changed = self.project.set(&name, None);
            self.mark(changed);
        }
        self.stale.extend(self.open.keys().map(Arc::clone));
    }

    fn mark(&mut self, changed: BTreeSet<Arc<str>>) {
        self.stale.extend(changed.into_iter().filter(|name| self.open.contains_key(name)));
    }

    /// The names that a file may have in findings.
    fn names(&self, uri: &Uri) -> Vec<Arc<str>> {
        path(uri).map(|path| self.roots.names(&path)).unwrap_or_default()
    }

    /// The name of a file in findings: that of an open one, or the most likely.
    fn name(&self, uri: &Uri) -> Option<Arc<str>> {
        let names = self.names(uri);
        let open = names.iter().find(|name| self.open.contains_key(*name));
        open.or(names.first()).cloned()
    }

    fn uri(&self, name: &str) -> Option<Uri> {
        if let Some(open) = self.open.get(name) {
            return Some(open.uri.clone());
        }
        let url = Url::from_file_path(self.roots.path(name)).ok()?;
        url.as_str().parse().ok()
    }

    /// Where a place is; `None` if its file is not part of the project.
    fn location(&self, place: &Place) -> Option<Location> {
        let range = match self.open.get(&place.file) {
            Some(open) => open.document.range(place.span),
            None => {
                let bytes = self.project.bytes(&place.file)?;
                Document::new(String::from_utf8_lossy(bytes).into_owned()).range(place.span)
            }
        };
        Some(Location { uri: self.uri(&place.file)?, range })
    }

    fn refresh_lenses(&mut self) -> Option<Message> {
        self.n_requests += 1;
        let id = RequestId::from(self.n_requests);
        let method = CodeLensRefresh::METHOD.to_owned();
        self.refreshes_lenses.then(|| Request::new(id, method, Value::Null).into())
    }
}

fn params<N: lsp_types::notification::Notification>(
    notification: Notification,
) -> Option<N::Params> {
    // A message that is not one of the protocol has no answer, and is left out.
    serde_json::from_value(notification.params).ok()
}

fn notify<N: lsp_types::notification::Notification>(params: N::Params) -> Message {
    Notification::new(N::METHOD.to_owned(), params).into()
}

/// The answer to a request that cannot be read.
fn invalid(id: RequestId, error: &serde_json::Error) -> Response {
    Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string())
}
