//! The values of a log line by part, as they are written: made for many lines.

use std::borrow::Cow;

use memchr::memmem;

use crate::Unreadable;
use crate::column::{Column, Container, columns, plain_value};
use crate::entry::Duration;
use crate::json::{self, Time};
use crate::line::{Line, without_port};
use crate::part::{EVENT_PATH, Keys, PATH_TEMPLATE, Part, Parts, Place, SECONDS_RANK};
use crate::plain_json::{self, Shape};

/// How the values of a line are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// JSON without escapes.
    Plain,
    /// JSON.
    Json,
    /// Text, without quotes.
    Text,
}

/// The values of a line. They are borrowed from it and only read where they are needed.
#[derive(Debug)]
pub struct Slots<'l> {
    /// The rank of the key, and the value as it is written, by part.
    values: [(u8, &'l str); Part::ALL.len()],
    writing: Writing,
}

/// Added to the rank of a host without a domain.
const WEAK_RANK: u8 = 0x40;

impl Default for Slots<'_> {
    /// Returns slots without values.
    fn default() -> Self {
        Slots { values: [(u8::MAX, ""); Part::ALL.len()], writing: Writing::Plain }
    }
}

impl<'l> Slots<'l> {
    /// Returns slots for values of text.
    pub(crate) fn of_text() -> Slots<'l> {
        Slots { writing: Writing::Text, ..Slots::default() }
    }

    /// Puts the value of a key where the key says. Where a part has several keys the first of them
    /// counts, and where a key is given twice the last one.
    fn put(&mut self, keys: &Keys, place: Place, raw: &'l str) {
        let Place { value, inner } = place;
        if raw.starts_with('{')
            && let Some(keys) = inner.and_then(|idx| keys.inner(idx))
        {
            return self.put_object(keys, raw);
        }
        if let Some((part, rank)) = value {
            self.set(part, rank, raw);
        }
    }

    /// Puts the values of an inner object. A call of its own, so that other values do not pay for it.
    #[inline(never)]
    fn put_object(&mut self, keys: &Keys, raw: &'l str) {
        // The line is JSON, and so is each value in it.
        let _ = json::object(raw.as_bytes(), |key, raw| {
            if let Some(place) = keys.find(key) {
                self.put(keys, place, raw);
            }
        });
    }

    /// Puts the value of a key where its column says, and those of an object that contains columns.
    fn put_column(&mut self, place: Place, raw: &'l str) {
        let Place { value, inner } = place;
        if raw.starts_with('{')
            && let Some(container) = inner.and_then(Container::from_idx)
        {
            let mut put = |column, raw| {
                let (part, rank) = part_of(column);
                self.set(part, rank, plain_value(part, raw));
            };
            // The line is JSON, and so is each value in it.
            let _ = columns(raw.as_bytes(), container, &mut put);
            return;
        }
        if let Some((part, rank)) = value {
            self.set(part, rank, plain_value(part, raw));
        }
    }

    /// Sets the value of a part, unless it has one of a lower rank.
    #[inline]
    pub(crate) fn set(&mut self, part: Part, rank: u8, raw: &'l str) {
        // What the proxy did not have: the next key may.
        if raw.len() <= 4 && matches!(raw, "null" | "\"\"" | "\"-\"" | "-" | "") {
            return;
        }
        // Other machines' names are under the keys of hosts too: one with a domain is preferred.
        let is_weak =
            part == Part::Authority && memchr::memchr3(b'.', b':', b'[', raw.as_bytes()).is_none();
        let rank = if is_weak { rank | WEAK_RANK } else { rank };
        if let Some(value) = self.values.get_mut(part as usize)
            && rank <= value.0
        {
            *value = (rank, raw);
        }
    }

    /// Takes the value of a part away.
    fn forget(&mut self, part: Part) {
        if let Some(value) = self.values.get_mut(part as usize) {
            *value = (u8::MAX, "");
        }
    }

    /// Sets the value of a part that has none.
    pub(crate) fn set_once(&mut self, part: Part, raw: &'l str) {
        if self.raw(part).is_none() {
            self.set(part, 0, raw);
        }
    }

    /// Returns true if the line has the key of a template of the path.
    pub(crate) fn lacks_path(&self, line: &[u8]) -> bool {
        self.raw(Part::Method).is_some() && memmem::find(line, PATH_TEMPLATE.as_bytes()).is_some()
    }

    /// Returns a value as it is written.
    pub fn raw(&self, part: Part) -> Option<&'l str> {
        self.values.get(part as usize).map(|(_, raw)| *raw).filter(|raw| !raw.is_empty())
    }

    /// Returns when the request was sent.
    pub fn time(&self) -> Option<Time<'l>> {
        self.raw(Part::Time).map(Time)
    }

    /// Returns a part as text; an error where it is of another type.
    ///
    /// # Errors
    /// The value is a list, an object or a truth value.
    pub fn text(&self, part: Part) -> Result<Option<Cow<'l, str>>, Unreadable> {
        let Some(raw) = self.raw(part) else { return Ok(None) };
        if self.writing == Writing::Text {
            return Ok(Some(Cow::Borrowed(raw)));
        }
        match raw.as_bytes().first() {
            Some(b'{' | b'[' | b't' | b'f') => Err(Unreadable::WrongType),
            _ if self.writing == Writing::Json => json::text(raw).map(Some),
            _ => Ok(Some(Cow::Borrowed(json::inside(raw).unwrap_or(raw)))),
        }
    }

    /// Returns a part as a number; numbers are written as texts and with decimals too.
    fn number(&self, part: Part) -> Result<Option<u64>, Unreadable> {
        let Some(raw) = self.raw(part) else { return Ok(None) };
        if self.writing != Writing::Text
            && let Ok(number) = json::inside(raw).unwrap_or(raw).parse()
        {
            return Ok(Some(number));
        }
        let Some(text) = self.text(part)? else { return Ok(None) };
        let whole = |number: &f64| (0.0..1e15).contains(number) && number.fract() == 0.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see whole")]
        let of_float = |number: f64| number as u64;
        let number = text.parse().ok();
        let number = number.or_else(|| text.parse::<f64>().ok().filter(whole).map(of_float));
        number.map(Some).ok_or(Unreadable::WrongType)
    }

    /// Returns how long the request took, of the text of [`Part::Duration`].
    pub(crate) fn duration(&self, text: Cow<'l, str>) -> Duration<'l> {
        let rank = self.values.get(Part::Duration as usize).map_or(0, |(rank, _)| *rank);
        Duration { text, is_in_seconds: rank >= SECONDS_RANK }
    }

    /// Writes the request of a line, which may lack a host or a path, into `line`, which is not moved:
    /// it is large, and there are many. Returns the parts whose value is of a wrong type and was left
    /// out.
    pub(crate) fn write(&self, line: &mut Line<'l>) -> Parts {
        let mut unread = Parts::default();
        let mut text = |part| {
            self.text(part).unwrap_or_else(|_| {
                unread.insert(part);
                None
            })
        };
        let mut method = text(Part::Method);
        line.authority = text(Part::Authority).unwrap_or_default();
        line.path = text(Part::Path);
        line.version = text(Part::Protocol).unwrap_or_default();
        let request_line = text(Part::RequestLine);
        if method.is_none()
            && let Some(first) = request_line
        {
            // Method, target and version in one value.
            let mut words = words(first);
            method = words.next().filter(|method| crate::head::is_token(method));
            let target = words.next();
            if line.path.is_none() && method.is_some() {
                line.path = target;
            }
            if let Some(version) = words.next().filter(|_| line.version.is_empty()) {
                line.version = version;
            }
        }
        let is_connect = method.as_deref() == Some("CONNECT");
        if is_connect {
            // Some programs write the target of CONNECT where others have the path.
            let target = line.path.take().map(connect_target);
            // A `Host` beside it is what the client likes. That of an extended CONNECT is a path (RFC 8441).
            if let Some(target) = target.filter(|target| !target.starts_with(['/', '*'])) {
                line.authority = target;
            }
        }
        if let Some(path) = line.path.as_deref()
            && let Some(query) = text(Part::Query)
            && !path.contains('?')
        {
            line.path = Some(format!("{path}?{}", query.trim_start_matches('?')).into());
        }
        // nginx calls so what its configuration calls a server that has no name.
        line.server_name = text(Part::ServerName).filter(|name| name != "_");
        let has_tls_port = matches!(self.raw(Part::Port), Some("443" | "\"443\""));
        let has_tls =
            line.server_name.is_some() || has_tls_port || line.authority.ends_with(":443");
        let scheme = text(Part::Scheme);
        line.user_agent = text(Part::UserAgent);
        line.referrer = text(Part::Referer);
        line.cookie = text(Part::Cookie);
        line.source_address = text(Part::SourceAddress).map(address);
        line.upstream_address = text(Part::UpstreamAddress).map(address);
        // TLS that passes through: the name that the client asked for is all there is of the host.
        let is_connection = method.is_none() && line.path.is_none();
        if line.authority.is_empty()
            && let Some(name) = &line.server_name
        {
            line.authority = name.clone();
        }
        let is_connection = is_connection && line.server_name.is_some();
        line.scheme = match scheme {
            _ if is_connect || is_connection => Cow::Borrowed(""),
            Some(scheme) => scheme,
            None => Cow::Borrowed(if has_tls { "https" } else { "http" }),
        };
        let default = if is_connection { "" } else { "GET" };
        line.assumes_method = method.is_none() && !is_connection;
        line.method = method.unwrap_or(Cow::Borrowed(default));
        let mut number = |part| {
            self.number(part).unwrap_or_else(|_| {
                unread.insert(part);
                None
            })
        };
        if let Some(port) = number(Part::Port) {
            line.add_port(port);
        }
        let status = number(Part::Status);
        line.request_bytes = number(Part::RequestBytes);
        line.response_bytes = number(Part::ResponseBytes);
        // Envoy logs 0 where there was no response.
        let status = status.filter(|status| *status > 0);
        line.status = status.and_then(|status| u16::try_from(status).ok());
        if status.is_some() && line.status.is_none() {
            unread.insert(Part::Status);
        }
        // Proxies, exporters and their users write URLs where Envoy has paths, also without a scheme.
        line.take_url_apart();
        line.as_envoy_writes();
        unread
    }
}

/// Variables of nginx: the name that its configuration has, and others beside which it is that one.
const NGINX_VARIABLES: [&str; 6] =
    ["server_name", "request_method", "request_uri", "request", "http_user_agent", "remote_addr"];

/// Reads the lines of a JSON log, which are alike.
#[derive(Debug)]
pub struct LineReader {
    keys: Cow<'static, Keys>,
    /// Whether keys are names of columns instead.
    has_columns: bool,
    /// The rank of the key under which templates of paths are.
    template_rank: Option<u8>,
    /// What the variables of nginx give, of which the first is the name that its configuration has.
    of_nginx: Vec<(Part, u8)>,
    shape: Shape<Place>,
}

impl LineReader {
    /// Returns a reader of lines with these keys.
    pub(crate) fn new(keys: Keys) -> LineReader {
        LineReader::build(Cow::Owned(keys))
    }

    /// The same for keys of a table.
    pub(crate) fn of(keys: &'static Keys) -> LineReader {
        LineReader::build(Cow::Borrowed(keys))
    }

    fn build(keys: Cow<'static, Keys>) -> LineReader {
        let of_key = |key| keys.find(key)?.value;
        let template = of_key(PATH_TEMPLATE).or_else(|| of_key(EVENT_PATH));
        let template_rank = template.filter(|(part, _)| *part == Part::Path).map(|(_, rank)| rank);
        let is_own = matches!(keys, Cow::Borrowed(_));
        let has_name = is_own && NGINX_VARIABLES.first().is_some_and(|key| of_key(key).is_some());
        let of_nginx = NGINX_VARIABLES.iter().filter(|_| has_name).filter_map(|key| of_key(key));
        let of_nginx = of_nginx.collect();
        LineReader { keys, has_columns: false, template_rank, of_nginx, shape: Shape::default() }
    }

    /// Returns a reader of lines whose keys are names of columns.
    pub(crate) fn of_columns() -> LineReader {
        LineReader { has_columns: true, ..LineReader::new(Keys::default()) }
    }

    /// Returns true if the server name of a line is the one that nginx's configuration has, `$server_name`: beside
    /// other variables of nginx. A map says itself what its keys mean.
    fn is_virtual_host(&self, slots: &Slots<'_>) -> bool {
        let is_of_key = |(part, rank): &(Part, u8)| {
            slots.values.get(*part as usize).is_some_and(|(known, _)| known & !WEAK_RANK == *rank)
        };
        match self.of_nginx.split_first() {
            Some((server_name, others)) => is_of_key(server_name) && others.iter().any(is_of_key),
            None => false,
        }
    }

    /// Returns true if the value of the path is a template.
    pub(crate) fn is_template(&self, slots: &Slots<'_>) -> bool {
        let path = slots.values.get(Part::Path as usize);
        path.is_some_and(|(rank, _)| Some(*rank) == self.template_rank)
    }

    /// Returns the key that gave the value of a part.
    pub fn key(&self, part: Part, slots: &Slots<'_>) -> &str {
        let rank = slots.values.get(part as usize).map_or(u8::MAX, |(rank, _)| *rank);
        let rank = if rank == u8::MAX { rank } else { rank & !WEAK_RANK };
        self.keys.name(part, rank).unwrap_or_else(|| part.as_str())
    }

    /// Reads a line into `slots`, in which nothing is.
    ///
    /// # Errors
    /// The line is not a JSON object.
    pub fn read<'l>(&mut self, line: &'l [u8], slots: &mut Slots<'l>) -> Result<(), Unreadable> {
        let line = json::text_of(line)?;
        let LineReader { keys, shape, has_columns, .. } = self;
        let find = |key: &str| if *has_columns { place_of_column(key) } else { keys.find(key) };
        let put = |slots: &mut Slots<'l>, place, raw| {
            if *has_columns { slots.put_column(place, raw) } else { slots.put(keys, place, raw) }
        };
        let plain = plain_json::object_like(line, shape, find, |place, raw| put(slots, place, raw));
        if plain.is_none() {
            *slots = Slots { writing: Writing::Json, ..Slots::default() };
            json::parsed(line, &mut |key, raw| {
                if let Some(place) = find(key) {
                    put(slots, place, raw);
                }
            })?;
        }
        if self.is_virtual_host(slots) {
            slots.forget(Part::ServerName);
        }
        Ok(())
    }
}

/// Returns what a name of a column gives, as a key.
fn place_of_column(name: &str) -> Option<Place> {
    let value = Container::Line.column(name).map(part_of);
    let inner = Container::Line.inner(name).map(|container| container as u16);
    (value.is_some() || inner.is_some()).then_some(Place { value, inner })
}

/// Returns the part of a column, and its rank.
fn part_of(column: Column) -> (Part, u8) {
    match column {
        Column::Part(part, rank) => (part, rank),
        // The time of a day is a whole time in most logs.
        Column::TimeOfDay => (Part::Time, TIME_OF_DAY_RANK),
        Column::Date => (Part::Time, TIME_OF_DAY_RANK + 1),
    }
}

/// The rank of columns of the day and of the time of day among those of the time, where each is a key.
const TIME_OF_DAY_RANK: u8 = 8;

/// Returns the words of a text, each borrowed from where the text is.
fn words(text: Cow<'_, str>) -> impl Iterator<Item = Cow<'_, str>> {
    let words: Vec<Cow<'_, str>> = match text {
        Cow::Borrowed(text) => text.split(' ').map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.split(' ').map(|word| Cow::Owned(word.to_owned())).collect(),
    };
    words.into_iter().filter(|word| !word.is_empty())
}

/// Returns host and port of the target of CONNECT, which some programs write as a URL.
fn connect_target(target: Cow<'_, str>) -> Cow<'_, str> {
    let Some((_, behind)) = target.split_once("://") else { return target };
    behind.split('/').next().unwrap_or_default().to_owned().into()
}

/// Returns the address of a text that may be a copy.
fn address(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(without_port(text)),
        Cow::Owned(text) => Cow::Owned(without_port(&text).to_owned()),
    }
}
