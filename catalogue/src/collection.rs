//! Which reader a file of a rule collection has.

use crate::rule::{CatalogueRule, Skipped, Vendor};
use crate::{elastic, sigma, splunk};

/// Reads one file of a rule collection. `path` is inside of the collection, with `/`.
pub fn read_rule(vendor: Vendor, path: &str, text: &str) -> Result<CatalogueRule, Skipped> {
    match vendor {
        Vendor::Sigma | Vendor::Tidegate => sigma::read(vendor, path, text),
        Vendor::Elastic => elastic::read(path, text),
        Vendor::Splunk => splunk::read(path, text),
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
