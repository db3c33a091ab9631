//! Services to the tables of a pack.

use std::collections::BTreeMap;

use inspect::StrId;
use inspect::pack::{self, Part, Range, ServiceHost, Tables};

use super::template::lookup_name;
use super::{Service, TemplatePart};
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
            let paths = pool.templates(&operation.paths);
            let operation = operation.operation;
            let compiled = pack::ServiceOperation { operation, methods, hosts: of_hosts, paths };
            pool.tables.services.operations.push(compiled);
        }
        let operations = Range { start, end: end_of(&pool.tables.services.operations) };
        let clients = pool.texts(&service.clients);
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

    fn templates<'a>(
        &mut self,
        templates: impl IntoIterator<Item = &'a Vec<TemplatePart>>,
    ) -> Range {
        let first = end_of(&self.tables.services.templates);
        for template in templates {
            let start = end_of(&self.tables.services.parts);
            for part in template {
                let text = self.string(&part.text);
                self.tables.services.parts.push(Part { kind: part.kind, text });
            }
            let end = end_of(&self.tables.services.parts);
            self.tables.services.templates.push(Range { start, end });
        }
        Range { start: first, end: end_of(&self.tables.services.templates) }
    }

    /// Adds the names under which a service is looked up, each with the templates whose host ends with it.
    fn hosts(&mut self, idx: u32, service: &Service, hosts: &mut Vec<ServiceHost>) {
        let mut names: BTreeMap<&str, (bool, Vec<&Vec<TemplatePart>>)> = BTreeMap::new();
        for template in &service.templates {
            names.entry(lookup_name(template)).or_default().1.push(template);
        }
        for host in &service.hosts {
            if host.parts.is_empty() {
                names.entry(&host.text).or_default().0 = true;
            } else {
                names.entry(lookup_name(&host.parts)).or_default().1.push(&host.parts);
            }
        }
        for (name, (whole, templates)) in names {
            let templates = self.templates(templates);
            let name = self.string(name);
            hosts.push(ServiceHost { name, service: idx, whole, templates });
        }
    }
}
