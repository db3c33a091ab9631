//! A configuration in use: what all streams of one plugin share.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use inspect::{BehaviourFields, Inspector, Pack, User};

use crate::behaviour::held::Held;
use crate::behaviour::recent::Recent;
use crate::behaviour::reservation;
use crate::behaviour::scopes::Scopes;
use crate::config::{Config, ListenerTls, Settings};
use crate::correlation::inline::Correlations;
use crate::host::{Host, LocalResponse, LogLevel};
use crate::metrics::{Counters, Failure, define_lost_swaps, record_pack};
use crate::snapshot::{Needs, Snapshot};
use crate::source::Sender;

/// A pack and its settings.
///
/// Shared by all streams of any kind. The engine's working memory is reused from request to request; a
/// worker has one thread, and a callback inside another would find it borrowed, which is
/// [`Failure::Busy`] and no panic.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) inspector: RefCell<Inspector>,
    pub(crate) pack: Arc<Pack>,
    pub(crate) needs: Needs,
    pub(crate) settings: Arc<Settings>,
    /// What the pack's rules ask of behaviour.
    pub(crate) behaviour: BehaviourFields,
    pub(crate) scopes: Scopes,
    /// Whether uses are written before rules are evaluated.
    pub(crate) reserves: bool,
    pub(crate) recent: RefCell<Recent>,
    pub(crate) held: RefCell<Held>,
    /// The gateway's node id, once an event has asked for it: it never changes.
    pub(crate) node: OnceCell<Vec<u8>>,
    /// The correlations that run here.
    pub(crate) correlations: Correlations,
    /// When the last tick was, in milliseconds since 1970; `None` where no ticks come, or without a clock.
    pub(crate) ticked: Cell<Option<u64>>,
    counters: RefCell<Counters>,
}

impl Plugin {
    /// Puts a configuration to use, and announces it in the log and in metrics.
    pub(crate) fn start(host: &dyn Host, Config { pack, settings }: Config) -> Plugin {
        let tables = pack.tables();
        let line = format!(
            "tidegate: {} rules of pack `{}` version {} loaded, hosts as {}, {}hash {}, mode {}, failure mode {}",
            tables.rules.len(),
            tables.name,
            tables.version,
            tables.hosts.as_str(),
            if settings.public_keys.is_empty() { "" } else { "signed, " },
            pack.hash(),
            settings.mode.as_str(),
            settings.failure_mode.as_str(),
        );
        // A host that does not log is no reason not to start.
        host.log(LogLevel::Info, &line).unwrap_or_default();
        record_pack(host, &pack);
        let plugin = Plugin::new(pack, Arc::new(settings));
        if !plugin.behaviour.is_empty() || !plugin.correlations.is_empty() {
            define_lost_swaps(host);
        }
        plugin
    }

    /// Puts a configuration to use that was announced before.
    pub(crate) fn new(pack: Arc<Pack>, settings: Arc<Settings>) -> Plugin {
        let (mut needs, scopes) = (Needs::of(pack.tables()), Scopes::of(pack.tables()));
        needs.server_name &= settings.listener_tls == ListenerTls::Any;
        let inspector = Inspector::new(Arc::clone(&pack)).deferring();
        Plugin {
            needs,
            behaviour: inspector.asks_behaviour(),
            scopes,
            reserves: reservation::is_needed(&inspector, settings.mode),
            recent: RefCell::default(),
            held: RefCell::default(),
            node: OnceCell::default(),
            correlations: Correlations::of(pack.tables()),
            ticked: Cell::default(),
            inspector: RefCell::new(inspector),
            pack,
            settings,
            counters: RefCell::default(),
        }
    }

    /// Reads who sent the current request.
    pub(crate) fn sender(&self, host: &dyn Host, snapshot: &Snapshot) -> Sender {
        let address = snapshot.source_address.as_deref();
        let header = self.settings.source_header.as_ref();
        let tls = self.settings.listener_tls;
        let mut sender = Sender::read(host, tls, header, &snapshot.header_map, address);
        sender.client.clone_from(&snapshot.client);
        if sender.is_ambiguous {
            self.count_failure(host, Failure::SourceHeader);
        }
        sender
    }

    /// The sender as the user of a service.
    pub(crate) fn user<'s>(&self, sender: &'s Sender) -> User<'s> {
        User { source: sender.source(), key: self.settings.identity_key }
    }

    /// Answers the request; returns false if that failed.
    pub(crate) fn answer(&self, host: &dyn Host, response: &LocalResponse) -> bool {
        let is_sent = host.send_local_response(response).is_ok();
        if !is_sent {
            self.count_failure(host, Failure::LocalResponse);
        }
        is_sent
    }

    /// Counts a failure.
    pub(crate) fn count_failure(&self, host: &dyn Host, failure: Failure) {
        self.count(|counters| counters.error(host, failure));
    }

    /// Counts; but not inside of counting.
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counters)) {
        if let Ok(mut counters) = self.counters.try_borrow_mut() {
            count(&mut counters);
        }
    }
}
