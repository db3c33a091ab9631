//! Who may use the proxy, to the tables of a pack.

use inspect::pack::{Credential, Range};

use super::super::Required;
use super::super::pool::string;
use super::Compiler;

impl Compiler<'_> {
    /// Lays down the clients by name, and who has to be one.
    pub(super) fn credentials(&mut self) {
        let policy = self.policy;
        let mut clients: Vec<_> = policy.credentials.clients.iter().collect();
        clients.sort_by(|(one, _), (other, _)| one.text.cmp(&other.text));
        for (name, hash) in clients {
            let name = string(self.tables, &name.text);
            let [hash_high, hash_low] = hash.hash;
            let credential = Credential { name, salt: hash.salt, hash_high, hash_low };
            self.compiled.credentials.push(credential);
        }
        let required = match &policy.credentials.required {
            Required::Nobody => return,
            Required::Everybody => Range::ANY,
            Required::Sources(words) => {
                let sources = self.sources(words);
                // What is wrong with the sources was reported; an empty range would be everybody.
                if sources.is_any() {
                    return;
                }
                sources
            }
        };
        self.compiled.credentials_required.push(required);
    }
}
