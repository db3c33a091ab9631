//! Which reader a file of a rule collection has.

use crate::rule::{CatalogueRule, Skipped, Vendor};
use crate::{elastic, sigma, splunk};

/// Reads the rules of one file of a collection. `path` is inside of the collection, with `/`.
pub fn read_rules(vendor: Vendor, path: &str, text: &str) -> Result<Vec<CatalogueRule>, Skipped> {
    match vendor {
        Vendor::Sigma | Vendor::Tidegate => sigma::read(vendor, path, text),
        Vendor::Elastic => elastic::read(path, text).map(|rule| vec![rule]),
        Vendor::Splunk => splunk::read(path, text).map(|rule| vec![rule]),
    }
}

/// Whether a file of a collection can hold a rule, by its path.
pub fn is_rule_path(vendor: Vendor, path: &str) -> bool {
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    match vendor {
        Vendor::Sigma | Vendor::Tidegate => yaml && sigma::is_active(path),
        Vendor::Elastic => path.ends_with(".toml"),
        Vendor::Splunk => yaml,
    }
}
