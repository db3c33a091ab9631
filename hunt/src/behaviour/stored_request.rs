//! A request that is kept until the log has ended, in one piece of memory.

use inspect::{Request, Response, Source};

/// A request and who sent it.
#[derive(Clone, Debug)]
pub(crate) struct StoredRequest {
    text: Box<[u8]>,
    /// Where each part ends; [`ABSENT`] for one that is not there.
    ends: [u32; N_PARTS],
    response: Option<(Option<u16>, Option<u64>, Option<u64>)>,
}

const N_PARTS: usize = 12;
const ABSENT: u32 = u32::MAX;

impl StoredRequest {
    /// Stores what a log says of a request.
    pub(crate) fn new(request: &Request<'_>, source: Source<'_>) -> StoredRequest {
        let response = request.response;
        let upstream = response.and_then(|response| response.upstream_address);
        let parts = [
            Some(request.method),
            Some(request.scheme),
            Some(request.authority),
            request.path,
            Some(request.version),
            request.user_agent,
            request.referrer,
            request.cookie,
            request.server_name,
            request.source_address,
            source.identity.or(source.named),
            upstream,
        ];
        let mut text = Vec::with_capacity(parts.iter().flatten().map(|part| part.len()).sum());
        let ends = parts.map(|part| {
            part.map_or(ABSENT, |part| {
                text.extend_from_slice(part);
                u32::try_from(text.len()).unwrap_or(ABSENT)
            })
        });
        let response = response
            .map(|response| (response.status, response.request_bytes, response.response_bytes));
        StoredRequest { text: text.into(), ends, response }
    }

    /// Returns the request, borrowed.
    pub(crate) fn lend(&self) -> Request<'_> {
        let text = |idx: usize| self.part(idx);
        Request {
            method: text(0).unwrap_or_default(),
            scheme: text(1).unwrap_or_default(),
            authority: text(2).unwrap_or_default(),
            path: text(3),
            version: text(4).unwrap_or_default(),
            user_agent: text(5),
            referrer: text(6),
            cookie: text(7),
            server_name: text(8),
            source_address: text(9),
            response: self.response.map(|(status, request_bytes, response_bytes)| Response {
                status,
                request_bytes,
                response_bytes,
                upstream_address: text(11),
            }),
            ..Request::default()
        }
    }

    /// Returns the name of the sender beside its address.
    pub(crate) fn sender(&self) -> Option<&str> {
        str::from_utf8(self.part(10)?).ok()
    }

    /// Writes the request to the end of bytes; [`StoredRequest::read`] reads it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for end in self.ends {
            out.extend_from_slice(&end.to_le_bytes());
        }
        let (status, sent, received) = self.response.unwrap_or_default();
        let has = [self.response.is_some(), status.is_some(), sent.is_some(), received.is_some()];
        out.extend(has.map(u8::from));
        out.extend_from_slice(&status.unwrap_or_default().to_le_bytes());
        for bytes in [sent, received] {
            out.extend_from_slice(&bytes.unwrap_or_default().to_le_bytes());
        }
        out.extend_from_slice(&self.text);
    }

    /// Reads what was written, to the end of the bytes; `None` if it is cut.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<StoredRequest> {
        let mut ends = [ABSENT; N_PARTS];
        for end in &mut ends {
            *end = u32::from_le_bytes(chunk(&mut bytes)?);
        }
        let has: [u8; 4] = chunk(&mut bytes)?;
        let [has_response, has_status, has_sent, has_received] = has.map(|has| has == 1);
        let status = u16::from_le_bytes(chunk(&mut bytes)?);
        let sent = u64::from_le_bytes(chunk(&mut bytes)?);
        let received = u64::from_le_bytes(chunk(&mut bytes)?);
        let response = (
            has_status.then_some(status),
            has_sent.then_some(sent),
            has_received.then_some(received),
        );
        Some(StoredRequest { text: bytes.into(), ends, response: has_response.then_some(response) })
    }

    fn part(&self, idx: usize) -> Option<&[u8]> {
        let end = *self.ends.get(idx).filter(|end| **end != ABSENT)?;
        let before = self.ends.get(..idx)?.iter().rev().find(|end| **end != ABSENT);
        self.text.get(before.copied().unwrap_or_default() as usize..end as usize)
    }
}

/// Takes so many bytes off the start.
fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_request_is_the_request() {
        let request = Request {
            method: b"POST",
            authority: b"a.example",
            user_agent: Some(b""),
            source_address: Some(b"10.0.0.1"),
            response: Some(Response {
                status: Some(200),
                upstream_address: Some(b"192.0.2.1"),
                ..Response::default()
            }),
            ..Request::default()
        };
        let source = Source { named: Some(b"laptop-1"), ..Source::default() };
        let stored = StoredRequest::new(&request, source);
        assert_eq!(format!("{:?}", stored.lend()), format!("{request:?}"));
        assert_eq!(stored.sender(), Some("laptop-1"));
        let mut bytes = Vec::new();
        stored.write(&mut bytes);
        let read = StoredRequest::read(&bytes).unwrap();
        assert_eq!(format!("{read:?}"), format!("{stored:?}"));
        assert!(StoredRequest::read(bytes.get(..20).unwrap()).is_none());
        assert_eq!(StoredRequest::new(&request, Source::default()).sender(), None);
    }
}
