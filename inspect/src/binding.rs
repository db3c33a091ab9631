//! The fields of a pack that requests answer: what Sigma's proxy taxonomy asks of a request in one of its readings, and
//! what services, behaviour and the policy add.

mod behaviour;
mod services;

use crate::anomaly::Anomalies;
use crate::behaviour::Behaviour;
use crate::decimal::Decimal;
use crate::event::{Event, Text};
use crate::ids::{FieldId, StrId};
use crate::pack::{KEYWORDS, Phase, Tables};
use crate::policy::Usage;
use crate::proxy_field::{PROXY_FIELDS, ProxyField, proxy_fields};
use crate::request::{Request, split_port};
use crate::secret::Secrets;
use crate::service::UsedService;
use crate::views::ExtraHost;
use crate::words::{has_byte, place_of};

use behaviour::BehaviourBinding;
use services::ServiceFields;

/// Which of a pack's fields a request answers, found out once per pack.
#[derive(Debug, Default)]
pub(crate) struct Binding {
    named: Vec<(ProxyField, FieldId)>,
    /// The user agent, where it is named.
    agent: Option<FieldId>,
    /// The method, where it is named: it is one of `named` too.
    method: Option<FieldId>,
    pub(crate) asks_secret: bool,
    pub(crate) asks_unlisted: bool,
    /// Fields that no rule names; only keywords look at them.
    unnamed: Vec<ProxyField>,
    /// Fields that services answer.
    pub(crate) services: ServiceFields,
    /// Fields that behaviour answers.
    pub(crate) behaviour: BehaviourBinding,
}

/// What is known of a request as a whole, whatever the reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'b> {
    pub(crate) anomalies: Anomalies,
    /// The kinds of secrets in it.
    pub(crate) secrets: Secrets,
    /// What its source did over time.
    pub(crate) behaviour: &'b Behaviour,
    /// What the policy knows of the use of the service that the request names.
    pub(crate) usage: Option<Usage>,
    /// The group of its source that may not do this.
    pub(crate) unlisted: Option<StrId>,
}

/// Further values of a request's fields, in the readings that are not raw.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Further<'v> {
    pub(crate) hosts: &'v [ExtraHost],
    /// How much of its path each host has in its URL.
    pub(crate) n_path_bytes: usize,
    pub(crate) methods: &'v [&'static [u8]],
}

impl Binding {
    pub(crate) fn new(tables: &Tables) -> Self {
        let fields = proxy_fields(tables).into_iter().zip((0..).map(FieldId));
        let mut named: Vec<_> = fields.filter_map(|(field, id)| Some((field?, id))).collect();
        let mut unnamed = Vec::new();
        if tables.has_keywords() {
            for (_, field) in PROXY_FIELDS {
                if !field.is_ours()
                    && !unnamed.contains(field)
                    && named.iter().all(|(named, _)| named != field)
                {
                    unnamed.push(*field);
                }
            }
        }
        let place_of = |named: &[(ProxyField, FieldId)], field| {
            named.iter().position(|(named, _)| *named == field)
        };
        let agent = place_of(&named, ProxyField::UserAgent).map(|idx| named.remove(idx).1);
        let method = place_of(&named, ProxyField::Method).and_then(|idx| named.get(idx));
        let method = method.map(|(_, id)| *id);
        let asks_secret = place_of(&named, ProxyField::Secret).is_some();
        let asks_unlisted = place_of(&named, ProxyField::Unlisted).is_some();
        let services = ServiceFields::take(&mut named, tables);
        let behaviour = BehaviourBinding::take(&mut named);
        Binding { named, agent, method, asks_secret, asks_unlisted, unnamed, services, behaviour }
    }

    /// Returns true if a response answers a field, or any where it is [`KEYWORDS`].
    pub(crate) fn is_of_response(&self, field: FieldId) -> bool {
        let of_response = |field: &ProxyField| field.phase() == Phase::Response;
        match field {
            KEYWORDS => {
                let mut fields = self.named.iter().map(|(field, _)| field).chain(&self.unnamed);
                fields.any(of_response)
            }
            id => {
                self.named.iter().any(|(field, named)| *named == id && of_response(field))
                    || self.behaviour.is_of_response(id)
            }
        }
    }

    /// Answers an event's fields from a request in one of its views.
    pub(crate) fn answer(
        &self,
        tables: &Tables,
        request: &Request<'_>,
        known: Known<'_>,
        service: Option<&UsedService<'_, '_>>,
        further: Further<'_>,
        event: &mut Event,
    ) {
        let Known { anomalies, secrets, behaviour, usage, unlisted } = known;
        // In front of the URL, as the two are searched together: no path lies between agent and host.
        let agent = self.agent.and_then(|id| Some((id, event.text(request.user_agent?))));
        let url = Url::write(request, event);
        if let Some((id, text)) = agent {
            event.answer(id, text);
        }
        for (field, id) in &self.named {
            // A name that we give is no text of the request: keywords do not see it.
            let mut name = |name: &str| {
                let text = event.text(name.as_bytes()).part();
                event.answer(*id, text);
            };
            match field {
                ProxyField::Anomaly => anomalies.iter().for_each(|it| name(it.as_str())),
                ProxyField::Secret => secrets.iter().for_each(|kind| name(kind.as_str())),
                ProxyField::Unlisted => unlisted.iter().for_each(|group| name(tables.str(*group))),
                field => match url.answer(*field, request, event) {
                    FieldValue::Text(text) => event.answer(*id, text),
                    FieldValue::Awaited => event.await_answer(*id),
                    FieldValue::Missing => {}
                },
            }
        }
        if let Some(id) = self.method {
            for method in further.methods {
                let text = event.text(method);
                event.answer(id, text);
            }
        }
        if let Some(service) = service {
            self.services.answer(tables, request, service, further.methods, usage, event);
        }
        self.behaviour.answer(behaviour, request.response.is_some(), event);
        for ExtraHost { authority, path } in further.hosts {
            let has_own_path = path.is_some();
            let path = path.as_deref().or(request.path);
            let path = path.map(|path| path.get(..further.n_path_bytes).unwrap_or(path));
            let request = Request { authority, path, ..*request };
            let url = Url::write(&request, event);
            for (field, id) in &self.named {
                let differs = match field {
                    ProxyField::Host | ProxyField::Uri | ProxyField::DestinationAddress => true,
                    ProxyField::UriStem | ProxyField::UriQuery | ProxyField::UriExtension => {
                        has_own_path
                    }
                    _ => false,
                };
                if differs && let FieldValue::Text(text) = url.answer(*field, &request, event) {
                    event.answer(*id, text);
                }
            }
            let host = self.services.are_asked().then(|| self.services.host(&request)).flatten();
            let service =
                host.as_deref().and_then(|host| self.services.used(tables, host, &request));
            if let Some(service) = &service {
                self.services.answer(tables, &request, service, further.methods, usage, event);
            }
        }
        for field in &self.unnamed {
            match url.answer(*field, request, event) {
                FieldValue::Text(text) => event.add_unnamed(text),
                FieldValue::Awaited => event.await_unnamed(),
                FieldValue::Missing => {}
            }
        }
    }
}

enum FieldValue {
    Text(Text),
    Awaited,
    Missing,
}

/// A request's URL in an event's arena, and its parts as spans of it.
struct Url {
    whole: Text,
    host: Text,
    stem: Option<Text>,
    query: Option<Text>,
    extension: Option<Text>,
}

impl Url {
    fn write(request: &Request<'_>, event: &mut Event) -> Url {
        let authority = request.authority;
        let host_end = split_port(authority).0.len();
        let Some(path) = request.path else {
            let [host, port] = event.parts(authority, [host_end, authority.len()]);
            let whole = host.through(port);
            return Url { whole, host: host.part(), stem: None, query: None, extension: None };
        };
        let scheme = match request.scheme {
            b"https" => event.text(b"https://"),
            b"http" => event.text(b"http://"),
            b"" => event.text(b""),
            scheme => {
                let scheme = event.text(scheme);
                scheme.through(event.text(b"://"))
            }
        };
        let [host, _] = event.parts(authority, [host_end, authority.len()]);
        let stem_end = place_of(path, b'?').unwrap_or(path.len());
        let extension = split_extension(path.get(..stem_end).unwrap_or(path)).1;
        let extension_start = stem_end - extension.map_or(0, <[u8]>::len);
        // The dot and the question mark are part of the whole only.
        let query_start = path.len().min(stem_end + 1);
        let before_end = extension_start - usize::from(extension.is_some());
        let ends = [before_end, extension_start, stem_end, query_start, path.len()];
        let [before, _, of_extension, _, of_query] = event.parts(path, ends);
        Url {
            whole: scheme.through(of_query),
            host: host.part(),
            stem: Some(before.through(of_extension).part()),
            query: (query_start > stem_end).then(|| of_query.part()),
            extension: extension.map(|_| of_extension.part()),
        }
    }

    fn answer(&self, field: ProxyField, request: &Request<'_>, event: &mut Event) -> FieldValue {
        let mut text = |bytes: Option<&[u8]>| {
            bytes.map_or(FieldValue::Missing, |bytes| FieldValue::Text(event.text(bytes)))
        };
        let span = |span: Option<Text>| span.map_or(FieldValue::Missing, FieldValue::Text);
        match field {
            ProxyField::Uri => span(Some(self.whole)),
            ProxyField::Host => span(Some(self.host)),
            ProxyField::UriStem => span(self.stem),
            ProxyField::UriQuery => span(self.query),
            ProxyField::UriExtension => span(self.extension),
            ProxyField::UserAgent => text(request.user_agent),
            ProxyField::Cookie => text(request.cookie),
            ProxyField::Method => text(Some(request.method)),
            ProxyField::Referrer => text(request.referrer),
            ProxyField::Version => text(Some(request.version)),
            ProxyField::SourceAddress => text(request.source_address),
            ProxyField::ServerName => {
                text(request.server_name.filter(|server_name| !server_name.is_empty()))
            }
            ProxyField::Anomaly
            | ProxyField::Secret
            | ProxyField::Service
            | ProxyField::Category
            | ProxyField::Operation
            | ProxyField::Client
            | ProxyField::Usage
            | ProxyField::Unlisted
            | ProxyField::Behaviour(_) => FieldValue::Missing,
            ProxyField::DestinationAddress => {
                if let Some(address) = literal_address(request.authority) {
                    return text(Some(address));
                }
                request
                    .response
                    .map_or(FieldValue::Awaited, |response| text(response.upstream_address))
            }
            ProxyField::Status | ProxyField::RequestBytes | ProxyField::ResponseBytes => {
                let Some(response) = request.response else { return FieldValue::Awaited };
                let number = match field {
                    ProxyField::Status => response.status.map(u64::from),
                    ProxyField::RequestBytes => response.request_bytes,
                    _ => response.response_bytes,
                };
                number.map_or(FieldValue::Missing, |number| {
                    text(Some(Decimal::new(number).as_bytes()))
                })
            }
        }
    }
}

/// Splits the extension off a path: what follows the last dot of the last segment.
fn split_extension(stem: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = stem.iter().rposition(|byte| matches!(byte, b'.' | b'/'));
    match end.and_then(|end| stem.split_at_checked(end)) {
        Some((before, [b'.', extension @ ..])) if !extension.is_empty() => {
            (before, Some(extension))
        }
        _ => (stem, None),
    }
}

/// The host of an authority if it is an IP address, without the brackets of IPv6.
fn literal_address(authority: &[u8]) -> Option<&[u8]> {
    let (host, _) = split_port(authority);
    let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
    // Most hosts are names, which is seen at a glance.
    let may_be_address = host.first().is_some_and(u8::is_ascii_digit) || has_byte(host, b':');
    if !may_be_address {
        return None;
    }
    str::from_utf8(host).ok()?.parse::<std::net::IpAddr>().ok().map(|_| host)
}

#[cfg(test)]
mod tests;
