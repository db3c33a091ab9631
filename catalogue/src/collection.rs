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
    let extension = path.rsplit_once('.').map(|(_, it)| it.to_ascii_lowercase());
    let extension = extension.unwrap_or_default();
    let yaml = matches!(extension.as_str(), "yml" | "yaml");
    match vendor {
        Collection::Sigma | Collection::Own | Collection::Noted => yaml && sigma::is_active(path),
        Collection::Elastic => extension == "toml",
        Collection::Splunk => yaml,
    }
}
