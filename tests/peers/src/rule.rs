//! A rule as a tree that can be changed and written as YAML.

use crate::yaml::Yaml;

/// A Sigma rule: where it comes from, its log source, its detection.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// A file of the corpus, or `generated`.
    pub origin: String,
    /// The log source.
    pub logsource: Yaml,
    /// The search identifiers and the condition.
    pub detection: Vec<(String, Yaml)>,
}

/// A detection item of a rule: a field with its modifiers (none for keywords) and its value.
#[derive(Clone, Debug)]
pub struct Item<'r> {
    /// The field; empty for keywords.
    pub field: &'r str,
    /// The modifiers, as written.
    pub modifiers: Vec<&'r str>,
    /// Scalars.
    pub values: Vec<&'r Yaml>,
}

impl Rule {
    /// The first rule of a file of the corpus; `None` where there is none.
    pub fn read(origin: &str, text: &str) -> Option<Rule> {
        let document = Yaml::read(text).ok()?.into_iter().next()?;
        let Yaml::Map(detection) = document.get("detection")? else { return None };
        Some(Rule {
            origin: origin.to_owned(),
            logsource: document.get("logsource")?.clone(),
            detection: detection.clone(),
        })
    }

    /// The rule as YAML.
    pub fn yaml(&self) -> String {
        let mut out = String::from("title: t\nlogsource:");
        self.logsource.write(1, &mut out);
        out.push_str("detection:");
        Yaml::Map(self.detection.clone()).write(1, &mut out);
        out
    }

    /// Returns true if a modifier is used anywhere.
    pub fn uses(&self, modifier: &str) -> bool {
        self.items().iter().any(|item| item.modifiers.contains(&modifier))
    }

    /// All detection items.
    pub fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        for (name, search) in &self.detection {
            if name != "condition" && name != "timeframe" {
                collect(search, &mut items);
            }
        }
        items
    }

    /// Changes every scalar of every detection item, given its field with modifiers.
    pub fn change_values(&mut self, change: &mut dyn FnMut(&str, &mut Yaml)) {
        self.change_items(&mut |label, value| value.change_scalars(&mut |one| change(label, one)));
    }

    /// Changes every detection item: its field with modifiers (empty for keywords) and its value.
    pub fn change_items(&mut self, change: &mut dyn FnMut(&mut String, &mut Yaml)) {
        for (name, search) in &mut self.detection {
            if name != "condition" && name != "timeframe" {
                change_search(search, change);
            }
        }
    }
}

fn collect<'r>(search: &'r Yaml, items: &mut Vec<Item<'r>>) {
    match search {
        Yaml::Map(map) => {
            for (label, value) in map {
                let mut names = label.split('|');
                let field = names.next().unwrap_or_default();
                let values = match value {
                    Yaml::List(list) => list.iter().collect(),
                    value => vec![value],
                };
                items.push(Item { field, modifiers: names.collect(), values });
            }
        }
        Yaml::List(list) => list.iter().for_each(|part| collect(part, items)),
        scalar => {
            items.push(Item { field: "", modifiers: Vec::new(), values: vec![scalar] });
        }
    }
}

fn change_search(search: &mut Yaml, change: &mut dyn FnMut(&mut String, &mut Yaml)) {
    match search {
        Yaml::Map(map) => map.iter_mut().for_each(|(label, value)| change(label, value)),
        Yaml::List(list) => list.iter_mut().for_each(|part| change_search(part, change)),
        scalar => change(&mut String::new(), scalar),
    }
}
