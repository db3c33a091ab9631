//! Which reader a file of a rule collection has.

use crate::rule::{CatalogueRule, Collection, Skipped};
use crate::{elastic, sigma, splunk};

/// Reads the rules of one file of a collection. `path` is inside of the collection, with `/`.
pub fn read_rules(
    vendor: Collection,
    path: &str,
    text: &str,
) -> Result<Vec<CatalogueRule>, Skipped> {
    match vendor {
        Collection::Sigma | Collection::Own | Collection::Noted => sigma::read(vendor, path, text),
        Collection::Elastic => elastic::read(path, text).map(|rule| vec![rule]),
        Collection::Splunk => splunk::read(path, text).map(|rule| vec![rule]),
    }
}

/// Whether a file of a collection can hold a rule, by its path.
pub fn is_rule_path(vendor: Collection, path: &str) -> bool {
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    match vendor {
        Collection::Sigma | Collection::Own | Collection::Noted => yaml && sigma::is_active(path),
        Collection::Elastic => path.ends_with(".toml"),
        Collection::Splunk => yaml,
    }
}
