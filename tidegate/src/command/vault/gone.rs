//! Pages of a vault whose source is gone.

use std::collections::{BTreeMap, BTreeSet};

use obsidian::build::Present;
use obsidian::page::Page;
use obsidian::property::Property;

use super::origin::Origin;
use super::state::State;

/// Pages of the vault that this run does not make.
pub(super) struct Gone<'p> {
    /// Stay: their source was not read, not read whole, or never read whole before.
    pub(super) kept: Vec<(&'p str, &'p str)>,
    /// Become tombstones, or are already.
    pub(super) buried: Vec<(&'p str, &'p str)>,
    /// How many of those are not tombstones yet.
    pub(super) n_new: usize,
}

impl<'p> Gone<'p> {
    pub(super) fn new(
        made: &[Page],
        present: &'p Present,
        texts: &BTreeMap<&str, &str>,
        before: &State,
        now: &BTreeSet<Origin>,
        is_whole: bool,
    ) -> Gone<'p> {
        let made: BTreeSet<&str> = made.iter().map(|page| page.id.as_str()).collect();
        let mut gone = Gone { kept: Vec::new(), buried: Vec::new(), n_new: 0 };
        for (id, path) in present.pages.iter().filter(|(id, _)| !made.contains(id.as_str())) {
            let mut origins = Origin::of_page(id).iter().filter(|it| before.origins.contains(it));
            let was_read = origins.clone().next().is_some();
            let is_buried = texts.get(path.as_str()).is_some_and(|text| is_tombstone(text));
            if is_buried || is_whole && was_read && origins.all(|origin| now.contains(origin)) {
                gone.buried.push((id, path));
                gone.n_new += usize::from(!is_buried);
            } else {
                gone.kept.push((id, path));
            }
        }
        gone
    }
}

/// Returns true if a page is a tombstone already.
fn is_tombstone(text: &str) -> bool {
    text.lines().take_while(|line| !line.starts_with("<!--")).any(|line| line == "tombstone: true")
}

/// The page that is written over one whose source is gone.
pub(super) fn tombstone(id: &str, path: &str) -> Page {
    let mut page = Page::new(id, path);
    page.set("tombstone", Property::Flag(true));
    page.set("tags", Property::Tags(vec!["tombstone".into()]));
    page.block("tombstone", "> [!warning] The source of this page is gone\n> What was generated here is taken away; what a person wrote stays. Delete the page when nobody needs it.");
    page
}
