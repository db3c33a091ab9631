//! Every bound of the run-time, with what happens there.

/// Longest program stack that a rule may need.
/// A pack whose rule needs more is refused when it is decoded; the compiler refuses such a rule first.
pub const MAX_STACK: usize = 64;

/// Deepest condition of which behaviour alone may decide something.
/// Of a deeper one any part may hold: its rule runs on each request that it waits for.
pub(crate) const MAX_GATE_DEPTH: usize = 16;

/// Most bytes of one header or pseudo-header that are looked at.
/// Envoy refuses a request with more than 60 KiB of headers by default (`max_request_headers_kb`), so
/// this is only met where an operator raised that limit: what follows is not inspected, and the
/// verdict says so by [`crate::Verdict::truncated`].
pub const MAX_VALUE_BYTES: usize = 96 * 1024;

/// Most bytes of all values of one event together.
/// Values past it are cut and the verdict says so by [`crate::Verdict::truncated`].
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Most values that one event may hold.
/// Values past it are left out and the verdict says so by [`crate::Verdict::truncated`].
pub const MAX_EVENT_VALUES: usize = 65_536;

/// Most bytes of a pack.
/// Envoy holds about ten times the size of a plugin configuration in memory (two workers), so a
/// larger pack is refused when it is decoded.
pub const MAX_PACK_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes that the tables of a pack take once they are read. A pack is laid out more tightly than its
/// tables, so one whose tables are larger is refused while they are read.
pub const MAX_TABLE_BYTES: usize = 256 * 1024 * 1024;

/// Most bytes of tables for each byte of a pack's body. A body that expands to more is refused before it is
/// expanded, so that reading a pack takes steps in proportion to its bytes.
pub const MAX_EXPANSION: usize = 256;

/// Most bytes that the compiler copies at once in a body, so that no body needs more than [`MAX_EXPANSION`].
pub(crate) const MAX_COPY_BYTES: usize = 512;

/// Most classes of the bytes in an automaton: each byte its own.
pub const MAX_AUTOMATON_CLASSES: u32 = 256;

/// Most bits of the bitmap of a gram index for each of its entries.
/// A pack whose index has more is refused, unless it is as small as [`MAX_SMALL_GRAM_BITS`]: reading a pack
/// takes steps in proportion to its bytes.
pub const MAX_GRAM_BITS_PER_ENTRY: usize = 512;

/// Bits that the bitmap of a gram index may have whatever it contains.
pub const MAX_SMALL_GRAM_BITS: usize = 1 << 15;

/// Most evidence that is kept for one rule that matched; the rest is counted, not listed.
pub const MAX_EVIDENCE: usize = 8;

/// Most searches that may have to be otherwise for a rule to be near a match.
pub const MAX_MISSING: u32 = 2;

/// Most values of a field that the tree of a condition lists.
pub const MAX_SEEN: usize = 3;

/// Longest value that evidence quotes, in bytes; a longer one is cut.
pub const MAX_EVIDENCE_BYTES: usize = 512;

/// Longest host name by RFC 1035; a longer one raises `host.too_long` and is looked at all the same.
pub const MAX_NAME_BYTES: usize = 253;

/// Longest label of a host name by RFC 1035; a longer one raises `host.too_long`.
pub const MAX_LABEL_BYTES: usize = 63;

/// Longest path with query that raises no `path.too_long`. A longer one is looked at all the same.
pub const MAX_ORDINARY_PATH_BYTES: usize = 16 * 1024;

/// Most readings of the host that are evaluated each on its own.
/// Where an authority has more (a long list of hosts), the rest are values of one event: each is
/// still matched, but a `not` that holds for one of them excuses the others; `host.multi` is raised.
pub const MAX_HOST_FORMS: usize = 8;

/// Most bytes of the path in the URLs of the hosts past [`MAX_HOST_FORMS`], and of a form that is a value of
/// one event with others ([`MAX_FORM_BYTES`]).
/// Without a bound, many hosts and a long path would take steps in proportion to their product.
pub const MAX_EXTRA_HOST_PATH_BYTES: usize = 256;

/// Most bytes of all forms of one request together, or as many as the request has if that is more: what evaluating
/// the forms takes, as each of them repeats what it does not change, cookies too.
/// A form past it is a value of one event with the hosts past [`MAX_HOST_FORMS`], with the first
/// [`MAX_EXTRA_HOST_PATH_BYTES`] of its path. If that cuts off something, the verdict says so by
/// [`crate::Verdict::truncated`].
pub const MAX_FORM_BYTES: usize = 48 * 1024;

/// Bytes that the hosts which share a form may have, beside twice those of the request.
/// Where there are so many hosts, each has less of the path in its URL; hosts past it are left out, and the
/// verdict says so by [`crate::Verdict::truncated`].
pub const MAX_EXTRA_HOST_BYTES: usize = 32 * 1024;

/// Most readings of the server name, and of the target of CONNECT, that are evaluated each on its own.
/// The rest are values of one event, as hosts past [`MAX_HOST_FORMS`] are.
pub const MAX_OTHER_NAMES: usize = 4;

/// Most targets of hiding proxies that are evaluated each on its own, and most proxies inside one another
/// that are looked through. Past it every URL in the path is a value of one event.
pub const MAX_HIDDEN_TARGETS: usize = 20;

/// Most steps for each byte of the path that reading the targets of hiding proxies takes, beside
/// [`MIN_HIDDEN_STEPS`]. Past it no target is read in turn; every URL in the path is a value of one event. Past
/// twice as many the rest of the path is not read, and the verdict says so by [`crate::Verdict::truncated`].
pub const MAX_HIDDEN_STEPS_PER_BYTE: usize = 16;

/// Steps that reading the targets of hiding proxies may take in a path of any length.
pub const MIN_HIDDEN_STEPS: usize = 128 * 1024;

/// Most forms of one request that are evaluated beside the one in which it came: each name with each form
/// of the path, and the targets of hiding proxies. There are never more, so none is left out: at most 8
/// forms of a path beside itself, with as many names as the bounds above allow.
pub const MAX_FORMS: usize =
    9 * (2 + MAX_HOST_FORMS + 2 * MAX_OTHER_NAMES) + MAX_HIDDEN_TARGETS + 2;

/// Longest window of a correlation, in milliseconds: about ten years.
/// A pack with a longer one is refused when it is decoded; the compiler refuses it first.
pub const MAX_TIMESPAN_MS: u64 = 10 * 366 * 24 * 3600 * 1000;

/// Most groups that one correlation keeps.
/// Past it the group that was added to least recently is dropped, which
/// [`crate::CorrelatorCounts::evicted_groups`] counts: its next event starts it anew.
pub const MAX_GROUPS: usize = 65_536;

/// Most events that one group of a correlation keeps.
/// Past it the oldest is dropped, which [`crate::CorrelatorCounts::evicted_events`] counts. A count that
/// could never be reached because of it is refused when the correlation is compiled.
pub const MAX_GROUP_EVENTS: usize = 16_384;

/// Most events that all groups of one correlation keep, some 64 MB of them.
/// Past it the group that was added to least recently is dropped, as with [`MAX_GROUPS`].
pub const MAX_CORRELATION_EVENTS: usize = 1 << 20;

/// Furthest that a correlation in a gateway counts: events, values or rules.
/// One that compares with more runs over logs only (`S061`), as with each of the bounds below.
pub const MAX_INLINE_COUNT: usize = 127;

/// Longest window of a correlation in a gateway, in milliseconds: a day.
pub const MAX_INLINE_TIMESPAN_MS: u64 = 24 * 3600 * 1000;

/// Most rules that a correlation in a gateway takes in.
pub const MAX_INLINE_RULES: usize = 32;

/// Most fields by which a correlation in a gateway groups.
pub const MAX_INLINE_FIELDS: usize = 8;

/// Most correlations of one pack that run in a gateway, as each costs an entry of a request that its rules match.
pub const MAX_INLINE_CORRELATIONS: usize = 64;
