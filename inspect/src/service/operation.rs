//! What a request does to a service: a short list of names that all services share.

use std::fmt;

use crate::pack::Operation;

impl Operation {
    /// The name in notes, rules, policies and events. It never changes.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Upload => "upload",
            Operation::Download => "download",
            Operation::Delete => "delete",
            Operation::Share => "share",
            Operation::Webhook => "webhook",
            Operation::Poll => "poll",
            Operation::Stream => "stream",
            Operation::Tunnel => "tunnel",
            Operation::Push => "push",
            Operation::Clone => "clone",
            Operation::Run => "run",
            Operation::Login => "login",
            Operation::Query => "query",
            Operation::Prompt => "prompt",
            Operation::Redirect => "redirect",
        }
    }

    /// The operation of a name, if it is one.
    pub fn from_name(name: &str) -> Option<Operation> {
        Operation::ALL.iter().copied().find(|operation| operation.as_str() == name)
    }

    /// What the request does: one sentence without its full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Operation::Read => "Gets text or metadata: a page, a message, a cell, a list of files",
            Operation::Write => "Adds or changes text: a message, an issue, a cell, a paste",
            Operation::Upload => "Sends a file or other bulk data to the service",
            Operation::Download => "Gets a file: an attachment, an object, a release",
            Operation::Delete => "Deletes what is there",
            Operation::Share => "Gives others access: a public link, a permission, an invitation",
            Operation::Webhook => "Posts to a URL that is itself the credential",
            Operation::Poll => "Asks again and again for what is new, as bots do",
            Operation::Stream => "Opens a connection on which the service sends what is new",
            Operation::Tunnel => "Carries traffic of something else: a tunnel, a relay, a proxy",
            Operation::Push => "Sends commits or packages to a repository",
            Operation::Clone => "Gets a repository or a package as a whole",
            Operation::Run => "Starts code or automation on the service's side",
            Operation::Login => "Gets a token: logs in, exchanges or refreshes a credential",
            Operation::Query => {
                "Looks something up: a name, one's own address, a blockchain's state"
            }
            Operation::Prompt => "Asks a language model",
            Operation::Redirect => "Follows a short link or an open redirect to another place",
        }
    }

    /// What an attacker uses it for: one sentence without its full stop.
    pub fn abuse(self) -> &'static str {
        match self {
            Operation::Read => {
                "An implant reads its orders or the address of its server from a page that anybody may write"
            }
            Operation::Write => {
                "An implant answers where its operator reads, or sends out small data"
            }
            Operation::Upload => "Data is exfiltrated to an account of the attacker",
            Operation::Download => "A loader gets its next stage from a host that is trusted",
            Operation::Delete => "Traces are removed, or what was taken is destroyed",
            Operation::Share => "What lies in an account of the victim is opened to a stranger",
            Operation::Webhook => {
                "Text and files are sent out without an account, to whoever made the URL"
            }
            Operation::Poll => "An implant waits for orders",
            Operation::Stream => "An implant waits for orders without polling",
            Operation::Tunnel => {
                "A host inside is reached from outside, or hides where it connects to"
            }
            Operation::Push => "Source code is exfiltrated, or a poisoned package is published",
            Operation::Clone => "Tools and source code are fetched",
            Operation::Run => {
                "The service's machines run the attacker's code, or his link into a network"
            }
            Operation::Login => {
                "Stolen credentials are used, or a session is bound to an account of the attacker"
            }
            Operation::Query => {
                "An implant learns where it runs, or resolves its server past the network's own resolver"
            }
            Operation::Prompt => {
                "Orders and data are hidden in prompts, often under a key that was stolen"
            }
            Operation::Redirect => "A link hides where it leads to",
        }
    }

    /// The bit in [`crate::pack::Scope::operations`].
    pub fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of operations.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Operations(u32);

impl Operations {
    /// Adds one.
    pub fn insert(&mut self, operation: Operation) {
        self.0 |= operation.bit();
    }

    /// Returns true if one is in the set.
    pub fn contains(self, operation: Operation) -> bool {
        self.0 & operation.bit() != 0
    }

    /// Returns true if there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Operation> {
        Operation::ALL.iter().copied().filter(move |operation| self.contains(*operation))
    }

    /// Returns true if there are some, and all of them are in a set of bits.
    pub(crate) fn are_all_in(self, bits: u32) -> bool {
        self.0 != 0 && self.0 & !bits == 0
    }

    /// The set of bits that [`Operations::bits`] returned; others are no operation.
    pub fn from_bits(bits: u32) -> Operations {
        Operation::ALL.iter().copied().filter(|operation| bits & operation.bit() != 0).collect()
    }

    /// The set as bits, in the order of the table.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl FromIterator<Operation> for Operations {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        let mut set = Operations::default();
        operations.into_iter().for_each(|operation| set.insert(operation));
        set
    }
}

impl Extend<Operation> for Operations {
    fn extend<I: IntoIterator<Item = Operation>>(&mut self, operations: I) {
        operations.into_iter().for_each(|operation| self.insert(operation));
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Operation::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_fits_the_set_and_has_a_name_of_its_own() {
        assert!(Operation::ALL.len() <= 32);
        for (idx, operation) in (0..).zip(Operation::ALL) {
            assert_eq!(Operation::from_name(operation.as_str()), Some(*operation));
            assert_eq!(*operation as u8, idx, "{}", operation.as_str());
        }
    }

    #[test]
    fn a_set_gives_back_what_was_put_in() {
        let set: Operations = [Operation::Poll, Operation::Read].into_iter().collect();
        assert!(set.contains(Operation::Poll) && !set.contains(Operation::Write));
        assert_eq!(format!("{set:?}"), r#"{"read", "poll"}"#);
    }
}
