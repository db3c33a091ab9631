//! The page and the session, to browsers on this machine.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::http::{self, Asked};
use super::page::Page;
use super::session::Session;

/// Connections that are served at a time; one more is told to come again.
const MAX_CONNECTIONS: usize = 32;

/// How long a browser may take to say what it wants, or to take what it asked for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the files are looked at: an editor's save is seen before a person looks up.
const WATCH: Duration = Duration::from_millis(200);

/// How often a browser that waits for changes is told that there are none: one that has gone away shows
/// by it.
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
    /// What `Host` may say. Another name that leads here belongs to somebody who wants to read the
    /// notes through a page of theirs.
    hosts: [String; 2],
    n_connections: AtomicUsize,
}

impl Server {
    pub(super) fn new(
        page: Page,
        session: Arc<Session>,
        listener: TcpListener,
    ) -> io::Result<Server> {
        let port = listener.local_addr()?.port();
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let shared = Shared { page, session, hosts, n_connections: AtomicUsize::new(0) };
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
            // What fails here is one connection, and the browser opens another.
            let Ok(mut stream) = stream else { continue };
            let shared = Arc::clone(&self.shared);
            if shared.n_connections.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                shared.n_connections.fetch_sub(1, Ordering::Relaxed);
                // Whether the browser hears it or not, it gets nothing else.
                let _ = http::answer(&mut stream, "503 Service Unavailable", TEXT, b"too many\n");
                continue;
            }
            thread::Builder::new().spawn(move || {
                // A browser that hangs up has what it wanted.
                let _ = shared.serve(&mut stream);
                shared.n_connections.fetch_sub(1, Ordering::Relaxed);
            })?;
        }
        Ok(())
    }
}

impl Shared {
    fn serve(&self, stream: &mut TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let Some(asked) = http::read(&mut *stream)? else {
            return http::answer(stream, "400 Bad Request", TEXT, b"this is no request\n");
        };
        if !self.hosts.contains(&asked.host) {
            return http::answer(stream, "421 Misdirected Request", TEXT, b"another host\n");
        }
        if asked.method != "GET" {
            return http::answer(stream, "405 Method Not Allowed", TEXT, b"only GET\n");
        }
        if asked.address == "events" {
            return self.tell_changes(stream);
        }
        match self.find(&asked) {
            Some((bytes, kind)) => http::answer(stream, "200 OK", kind, &bytes),
            None => http::answer(stream, "404 Not Found", TEXT, b"there is nothing here\n"),
        }
    }

    fn find(&self, asked: &Asked) -> Option<(Vec<u8>, &'static str)> {
        let address = asked.address.as_str();
        let session = &self.session;
        match address.split_once('/') {
            None if address == "session.json" => {
                Some((session.list().to_string().into_bytes(), JSON))
            }
            Some(("note", name)) => Some((session.note(name)?, TEXT)),
            Some(("pack", "notes")) => Some((session.pack_of_notes()?, BYTES)),
            Some(("pack", number)) => Some((session.pack(number)?, BYTES)),
            _ => self.page.file(address).map(|(bytes, kind)| (bytes.to_vec(), kind)),
        }
    }

    /// Server-sent events: the version of the session, now and whenever it changes.
    fn tell_changes(&self, stream: &mut TcpStream) -> io::Result<()> {
        http::head(stream, "200 OK", "text/event-stream", "")?;
        let mut told = 0;
        loop {
            let version = self.session.wait(told, HEARTBEAT);
            // An empty comment where there is nothing to tell.
            let event = if version == told { ":\n\n" } else { &format!("data: {version}\n\n") };
            stream.write_all(event.as_bytes())?;
            stream.flush()?;
            told = version;
        }
    }
}
