//! Headers by which vendors restrict the tenants that a network may use: the policy's values in place of
//! whatever a client sends.

use inspect::{Mode, Pack, Request};

use crate::headers::{Occurrence, occurrence, underscored};
use crate::host::{Host, HostError};
use crate::plugin::Plugin;
use crate::snapshot::Snapshot;
use crate::source::Sender;

impl Plugin {
    /// Writes the policy's headers into the current request, and removes the client's copies of them. In mode
    /// `monitor` no request is changed.
    ///
    /// `sender` is `None` if nothing has asked for it before; it is read if a header depends on it.
    pub(crate) fn restrict(
        &self,
        host: &dyn Host,
        pack: &Pack,
        request: &Request<'_>,
        snapshot: &Snapshot,
        sender: Option<&Sender>,
    ) -> Result<(), HostError> {
        if self.settings.mode != Mode::Enforce || !pack.sets_headers() {
            return Ok(());
        }
        let mut read = None;
        let changes = pack.header_changes(request, || match sender {
            Some(sender) => sender.source(),
            None => read.insert(self.sender(host, snapshot)).source(),
        });
        for change in changes {
            for other in underscored(&snapshot.header_map, change.name) {
                host.set_request_header(&other, None)?;
            }
            let is_there =
                occurrence(&snapshot.header_map, change.name.as_bytes()) != Occurrence::Never;
            if is_there || change.value.is_some() {
                host.set_request_header(change.name, change.value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
