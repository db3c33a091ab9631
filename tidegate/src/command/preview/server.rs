//! Serves the page and the session to browsers on this machine.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::connections::{Connections, Deadline};
use super::http::{self, HttpRequest};
use super::page::Page;
use super::session::Session;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take: the page's module has a few megabytes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the files are checked for changes: an editor's save is seen before a person looks up.
const WATCH: Duration = Duration::from_millis(200);

/// How often an empty event is written to a browser that waits for changes, which shows whether it is
/// still there.
const HEARTBEAT: Duration = Duration::from_secs(5);

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Serves until the program ends.
pub(super) struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
}

struct Shared {
    page: Page,
    session: Arc<Session>,
    /// The accepted values of `Host`. Another name that resolves to this machine belongs to a site that
    /// wants to read the notes (DNS rebinding).
    hosts: [String; 2],
    connections: Connections,
}

impl Server {
    pub(super) fn new(
        page: Page,
        session: Arc<Session>,
        listener: TcpListener,
    ) -> io::Result<Server> {
        let port = listener.local_addr()?.port();
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let shared = Shared { page, session, hosts, connections: Connections::default() };
        Ok(Server { shared: Arc::new(shared), listener })
    }

    pub(super) fn run(self) -> io::Result<()> {
        let session = Arc::clone(&self.shared.session);
        thread::Builder::new().spawn(move || {
            loop {
                thread::sleep(WATCH);
                session.look();
            }
        })?;
        for stream in self.listener.incoming() {
            // An error here is about one connection, and the browser opens another.
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(&self.shared);
            let Ok(number) = shared.connections.add(&stream) else { continue };
            thread::Builder::new().spawn(move || {
                // A browser that closes the connection has what it wanted.
                let _ = shared.serve(&stream);
                shared.connections.remove(number);
            })?;
        }
        Ok(())
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let request = http::read(Deadline::new(stream, HEAD_TIMEOUT))?;
        let mut out = Deadline::new(stream, ANSWER_TIMEOUT);
        let Some(request) = request else {
            return http::answer(&mut out, "400 Bad Request", TEXT, b"not a request\n");
        };
        if !self.hosts.contains(&request.host) {
            return http::answer(&mut out, "421 Misdirected Request", TEXT, b"unknown host\n");
        }
        if request.method != "GET" {
            return http::answer(&mut out, "405 Method Not Allowed", TEXT, b"only GET\n");
        }
        if request.is_of_another_site() {
            return http::answer(&mut out, "403 Forbidden", TEXT, b"not for other sites\n");
        }
        if request.address == "events" {
            return self.report_changes(stream);
        }
        match self.find(&request) {
            Some((bytes, kind)) => http::answer(&mut out, "200 OK", kind, &bytes),
            None => http::answer(&mut out, "404 Not Found", TEXT, b"not found\n"),
        }
    }

    fn find(&self, request: &HttpRequest) -> Option<(Vec<u8>, &'static str)> {
        let address = request.address.as_str();
        let session = &self.session;
        match address.split_once('/') {
            None if address == "session.json" => {
                Some((session.list().to_string().into_bytes(), JSON))
            }
            None if address == "shared-notes.json" => {
                Some((session.shared_notes().to_string().into_bytes(), JSON))
            }
            Some(("note", name)) => Some((session.note(name)?, TEXT)),
            Some(("pack", "notes")) => Some((session.pack_of_notes()?, BYTES)),
            Some(("pack", number)) => Some((session.pack(number)?, BYTES)),
            _ => self.page.file(address).map(|(bytes, kind)| (bytes.to_vec(), kind)),
        }
    }

    /// Writes the version of the session, now and whenever it changes, as server-sent events.
    fn report_changes(&self, stream: &TcpStream) -> io::Result<()> {
        let mut head = Deadline::new(stream, HEAD_TIMEOUT);
        http::head(&mut head, "200 OK", "text/event-stream", "")?;
        let mut reported = 0;
        loop {
            let version = self.session.wait(reported, HEARTBEAT);
            // An empty comment if nothing changed.
            let event = if version == reported { ":\n\n" } else { &format!("data: {version}\n\n") };
            Deadline::new(stream, HEAD_TIMEOUT).write_all(event.as_bytes())?;
            reported = version;
        }
    }
}
