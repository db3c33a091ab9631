//! Services to the tables of a pack.

use std::collections::BTreeMap;

use inspect::StrId;
use inspect::pack::{self, Part, PartKind, Range, ServiceHost, Tables};

use super::template::lookup_name;
use super::{Service, Template, TemplatePart};
use crate::policy::pool::{end_of, string};

/// Adds services to a pack's tables.
pub(crate) fn add(services: &[Service], tables: &mut Tables) {
    let mut pool = Pool { tables, strings: BTreeMap::new() };
    let mut hosts: Vec<ServiceHost> = Vec::new();
    for (idx, service) in (0..).zip(services) {
        pool.hosts(idx, service, &mut hosts);
        let start = end_of(&pool.tables.services.operations);
        for operation in &service.operations {
            let methods = pool.texts(&operation.methods);
            let of_hosts = pool.texts(&operation.hosts);
            let paths = operation.paths.iter().map(|parts| (parts.as_slice(), None));
            let paths = pool.templates(paths);
            let operation = operation.operation;
            let compiled = pack::ServiceOperation { operation, methods, hosts: of_hosts, paths };
            pool.tables.services.operations.push(compiled);
        }
        let operations = Range { start, end: end_of(&pool.tables.services.operations) };
        let clients = pool.texts(&service.clients);
        for header in &service.headers {
            let hosts = pool.texts(&header.hosts);
            let name = pool.string(&header.name.to_ascii_lowercase());
            pool.tables.services.headers.push(pack::ServiceHeader { service: idx, name, hosts });
        }
        let (name, category) = (pool.string(&service.name), pool.string(&service.category));
        let compiled = pack::Service { name, category, operations, clients };
        pool.tables.services.services.push(compiled);
    }
    let Pool { tables, .. } = pool;
    let strings = &*tables;
    hosts.sort_by(|left, right| {
        let key = |host: &ServiceHost| (strings.str(host.name).to_owned(), host.service);
        key(left).cmp(&key(right))
    });
    tables.services.hosts = hosts;
}

/// The tables, and the strings that services have added: many notes name one method or label.
struct Pool<'t> {
    tables: &'t mut Tables,
    strings: BTreeMap<String, StrId>,
}

impl Pool<'_> {
    fn string(&mut self, text: &str) -> StrId {
        if let Some(id) = self.strings.get(text) {
            return *id;
        }
        let id = string(self.tables, text);
        self.strings.insert(text.to_owned(), id);
        id
    }

    fn texts(&mut self, texts: &[String]) -> Range {
        let start = end_of(&self.tables.services.texts);
        for text in texts {
            let id = self.string(text);
            self.tables.services.texts.push(id);
        }
        Range { start, end: end_of(&self.tables.services.texts) }
    }

    /// Adds templates, each with the name of its namespace if it names tenants, or an empty name where
    /// anybody may put something.
    fn templates<'a>(
        &mut self,
        templates: impl IntoIterator<Item = (&'a [TemplatePart], Option<&'a str>)>,
    ) -> Range {
        let first = end_of(&self.tables.services.templates);
        for (parts, namespace) in templates {
            let start = end_of(&self.tables.services.parts);
            for part in parts {
                let text = self.string(&part.text);
                self.tables.services.parts.push(Part { kind: part.kind, text });
            }
            if let Some(namespace) = namespace {
                let text = self.string(namespace);
                self.tables.services.parts.push(Part { kind: PartKind::Namespace, text });
            }
            let end = end_of(&self.tables.services.parts);
            self.tables.services.templates.push(Range { start, end });
        }
        Range { start: first, end: end_of(&self.tables.services.templates) }
    }

    /// Adds the names under which a service is looked up, each with the templates whose host ends with it.
    fn hosts(&mut self, idx: u32, service: &Service, hosts: &mut Vec<ServiceHost>) {
        type Parts<'s> = (&'s [TemplatePart], Option<&'s str>);
        let mut names: BTreeMap<&str, (bool, Vec<Parts<'_>>)> = BTreeMap::new();
        for Template { parts, namespace } in &service.templates {
            let namespace = Some(namespace.as_deref().unwrap_or_default());
            names.entry(lookup_name(parts)).or_default().1.push((parts, namespace));
        }
        for host in &service.hosts {
            if host.parts.is_empty() {
                names.entry(&host.text).or_default().0 = true;
            } else {
                names.entry(lookup_name(&host.parts)).or_default().1.push((&host.parts, None));
            }
        }
        for (name, (whole, templates)) in names {
            let templates = self.templates(templates);
            let name = self.string(name);
            hosts.push(ServiceHost { name, service: idx, whole, templates });
        }
    }
}
