//! Which files have to do with which, by the names that they share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Files by the names in them.
#[derive(Debug, Default)]
pub(super) struct Links {
    by_name: BTreeMap<String, BTreeSet<Arc<str>>>,
    by_file: BTreeMap<Arc<str>, BTreeSet<String>>,
}

impl Links {
    pub(super) fn insert(&mut self, file: &Arc<str>, names: &BTreeSet<String>) {
        for name in names {
            self.by_name.entry(name.clone()).or_default().insert(Arc::clone(file));
        }
        self.by_file.insert(Arc::clone(file), names.clone());
    }

    pub(super) fn remove(&mut self, file: &Arc<str>, names: &BTreeSet<String>) {
        for name in names {
            let files = self.by_name.get_mut(name);
            let is_last = files.is_some_and(|files| {
                files.remove(file);
                files.is_empty()
            });
            if is_last {
                self.by_name.remove(name);
            }
        }
        self.by_file.remove(file);
    }

    /// The files that can be reached over shared names, with the file itself.
    pub(super) fn component(&self, file: &Arc<str>) -> BTreeSet<Arc<str>> {
        let mut found = BTreeSet::from([Arc::clone(file)]);
        let mut followed: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![Arc::clone(file)];
        while let Some(file) = open.pop() {
            for name in self.by_file.get(&file).into_iter().flatten() {
                if !followed.insert(name) {
                    continue;
                }
                for other in self.by_name.get(name).into_iter().flatten() {
                    if found.insert(Arc::clone(other)) {
                        open.push(Arc::clone(other));
                    }
                }
            }
        }
        found
    }
}
