//! `tidegate preview`.

mod browser;
mod connections;
mod http;
mod page;
mod server;
mod session;

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use diagnostics::Sources;

use super::{Outcome, Vocabulary, counted, fill_paths, named_paths};
use crate::disk;
use crate::project::Project;
use page::Page;
use server::Server;
use session::{Session, Watched};

/// The default port, which the vault's pages link to.
const PORT: u16 = 8431;

/// Serve a page to try rules on traffic in the browser.
///
/// The page runs the engine that runs in Envoy. It is served on this machine only, until Ctrl-C. Notes and
/// packs are listed in the page and never written to; a note that changes on disk is evaluated again.
/// What is pasted into the page stays in the browser.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n\
\x20 tidegate preview --open\n\
\x20 tidegate preview --pack rules.pack --port 0 rules/")]
pub(crate) struct Preview {
    /// Notes, Sigma files, and folders of them [default: the project's, or knowledge/notes]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    vocabulary: Vocabulary,
    /// List this pack in the page beside its own; can be given several times
    #[arg(short, long, value_name = "FILE")]
    pack: Vec<PathBuf>,
    /// The port of 127.0.0.1 to listen on; 0 for any free port
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// Serve the page from this folder instead of the built-in one
    #[arg(long, value_name = "FOLDER")]
    page: Option<PathBuf>,
}

impl Preview {
    pub(super) fn fill_in(&mut self, project: &Project) {
        fill_paths(&mut self.paths, &project.notes);
        self.vocabulary.fill_in(project);
    }

    pub(super) fn run(&self) -> Outcome {
        let paths = named_paths(&self.paths).into_owned();
        let missing = paths.iter().chain(&self.pack).filter_map(|path| disk::missing(path));
        let missing: Vec<_> = missing.collect();
        if !missing.is_empty() {
            return Outcome::refused(&missing, &Sources::new());
        }
        let page = match &self.page {
            Some(folder) => {
                Page::read(folder).map_err(|finding| Outcome::refused(&[*finding], &Sources::new()))
            }
            None => Page::built_in().map_err(Outcome::failed),
        };
        let page = match page {
            Ok(page) => page,
            Err(outcome) => return outcome,
        };
        let placeholders = match self.vocabulary.read() {
            Ok(placeholders) => placeholders,
            Err(outcome) => return outcome,
        };
        let watched = Watched { paths, packs: self.pack.clone(), placeholders };
        let session = Arc::new(Session::open(watched));
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)) {
            Ok(listener) => listener,
            Err(error) => {
                let reason = disk::reason(&error);
                let help = "`--port 0` lets the system choose another";
                return Outcome::failed(&format!(
                    "port {} cannot be listened on: {reason}\n  help: {help}",
                    self.port
                ));
            }
        };
        match self.serve(page, session, listener) {
            Ok(()) => Outcome::default(),
            Err(error) => Outcome::failed(&disk::reason(&error)),
        }
    }

    fn serve(&self, page: Page, session: Arc<Session>, listener: TcpListener) -> io::Result<()> {
        let url = format!("http://{}/", listener.local_addr()?);
        let (n_notes, n_packs) = session.counts();
        let mut out = io::stdout().lock();
        writeln!(out, "{url}")?;
        let notes = counted(n_notes, "file");
        writeln!(out, "{notes}, {}; Ctrl-C ends this", counted(n_packs, "pack"))?;
        out.flush()?;
        if self.open
            && let Err(error) = browser::open(&url)
        {
            writeln!(
                out,
                "no browser was opened ({}): open the address above",
                disk::reason(&error)
            )?;
        }
        drop(out);
        Server::new(page, session, listener)?.run()
    }
}
