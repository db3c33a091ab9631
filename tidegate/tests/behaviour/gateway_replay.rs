//! A gateway in memory that logs are replayed through: several workers with one clock and one shared memory.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use filter::{
    Host, HostError, HttpStream, LocalResponse, LogLevel, MetricId, MetricKind, Post, Property,
    Root,
};
use serde_json::Value;
use tests::generated_traffic::{Alerts, add_event};

/// Values under their keys, each with the number of its last change.
type SharedData = Rc<RefCell<BTreeMap<String, (Vec<u8>, u32)>>>;

/// One worker's side of the gateway.
#[derive(Debug, Default)]
struct Worker {
    configuration: Vec<u8>,
    headers: RefCell<Vec<u8>>,
    identity: RefCell<Vec<u8>>,
    bytes: Cell<(u64, u64)>,
    nanoseconds: Cell<u64>,
    shared: SharedData,
    lines: RefCell<Vec<String>>,
    metrics: RefCell<Vec<(String, u64)>>,
}

impl Host for Worker {
    fn plugin_configuration(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.configuration.clone())
    }

    fn request_headers(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.headers.borrow().clone())
    }

    fn property(&self, property: Property) -> Result<Option<Vec<u8>>, HostError> {
        let number = |number: u64| Ok(Some(number.to_le_bytes().to_vec()));
        let (sent, received) = self.bytes.get();
        match property {
            Property::PeerIdentity => Ok(Some(self.identity.borrow().clone())),
            Property::RequestBytes => number(sent),
            Property::ResponseBytes => number(received),
            Property::ResponseCode => number(200),
            _ => Ok(None),
        }
    }

    fn set_request_header(&self, _name: &str, _value: Option<&str>) -> Result<(), HostError> {
        Ok(())
    }

    fn set_filter_state(&self, _name: &str, _value: &[u8]) -> Result<(), HostError> {
        Ok(())
    }

    fn send_local_response(&self, _response: &LocalResponse) -> Result<(), HostError> {
        Ok(())
    }

    fn downstream_data(&self, _n_bytes: usize) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn close_downstream(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn shared_data(&self, key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        Ok(self.shared.borrow().get(key).cloned())
    }

    fn set_shared_data(&self, key: &str, value: &[u8], cas: u32) -> Result<(), HostError> {
        let mut shared = self.shared.borrow_mut();
        // A key that is not there is set whatever the number, as Envoy does it.
        let current = shared.get(key).map(|(_, cas)| *cas);
        if cas != 0 && current.is_some_and(|current| cas != current) {
            return Err(HostError(8));
        }
        shared.insert(key.to_owned(), (value.to_vec(), current.unwrap_or_default() + 1));
        Ok(())
    }

    fn time(&self) -> Result<u64, HostError> {
        Ok(self.nanoseconds.get())
    }

    fn post(&self, _post: &Post<'_>) -> Result<u32, HostError> {
        Err(HostError(1))
    }

    fn call_headers(&self) -> Result<Vec<u8>, HostError> {
        Err(HostError(1))
    }

    fn check_answers(&self) -> Result<(), &'static str> {
        Ok(())
    }

    fn set_tick_period(&self, _milliseconds: u32) -> Result<(), HostError> {
        Ok(())
    }

    fn log(&self, level: LogLevel, line: &str) -> Result<(), HostError> {
        if level == LogLevel::Warn {
            self.lines.borrow_mut().push(line.to_owned());
        }
        Ok(())
    }

    fn define_metric(&self, _kind: MetricKind, name: &str) -> Result<MetricId, HostError> {
        let mut metrics = self.metrics.borrow_mut();
        let known = metrics.iter().position(|(known, _)| known == name);
        let idx = known.unwrap_or_else(|| {
            metrics.push((name.to_owned(), 0));
            metrics.len() - 1
        });
        Ok(MetricId(u32::try_from(idx).unwrap()))
    }

    fn add(&self, metric: MetricId, count: u64) -> Result<(), HostError> {
        self.metrics.borrow_mut()[metric.0 as usize].1 += count;
        Ok(())
    }

    fn record(&self, _metric: MetricId, _value: u64) -> Result<(), HostError> {
        Ok(())
    }
}

/// What a gateway reported of a log.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Titles of the rules that matched, by source and host.
    pub(crate) alerts: Alerts,
    pub(crate) n_events: usize,
    /// Counters, over all workers.
    pub(crate) metrics: BTreeMap<String, u64>,
    /// Bytes in the shared memory of the first worker.
    pub(crate) n_shared_bytes: usize,
}

/// Which worker gets a request, and what workers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Balance {
    /// Workers of one gateway, by chance.
    Workers(usize),
    /// Gateways of one worker each, by chance.
    Gateways(usize),
    /// The same, each source always to the same one.
    GatewaysBySource(usize),
}

/// Replays an access log in JSON, in order of time, with its sources as identities.
pub(crate) fn replay(pack: &[u8], balance: Balance, log: &str) -> Replayed {
    let of_gateway = SharedData::default();
    let worker = || {
        let shared = match balance {
            Balance::Workers(_) => Rc::clone(&of_gateway),
            Balance::Gateways(_) | Balance::GatewaysBySource(_) => SharedData::default(),
        };
        let worker = Worker { configuration: pack.to_vec(), shared, ..Worker::default() };
        let mut root = Root::default();
        assert!(root.configure(&worker), "the pack is refused");
        (worker, root)
    };
    let (Balance::Workers(n_workers)
    | Balance::Gateways(n_workers)
    | Balance::GatewaysBySource(n_workers)) = balance;
    let workers: Vec<(Worker, Root)> = (0..n_workers).map(|_| worker()).collect();
    let mut replayed = Replayed::default();
    let mut open: BTreeMap<usize, (HttpStream, Value)> = BTreeMap::new();
    // When requests end, the first on top.
    let mut ends: BinaryHeap<std::cmp::Reverse<(u64, usize)>> = BinaryHeap::new();
    let of = |idx: usize, line: &Value| {
        let chance = match balance {
            Balance::GatewaysBySource(_) => line["client"].as_str().unwrap_or_default(),
            Balance::Workers(_) | Balance::Gateways(_) => &*idx.to_string(),
        };
        let mut hasher = DefaultHasher::new();
        chance.hash(&mut hasher);
        &workers[(hasher.finish() % n_workers as u64) as usize]
    };
    let mut end_until =
        |until: u64,
         open: &mut BTreeMap<usize, (HttpStream, Value)>,
         ends: &mut BinaryHeap<std::cmp::Reverse<(u64, usize)>>| {
            while let Some(std::cmp::Reverse((time, idx))) = ends.peek().copied()
                && time <= until
            {
                ends.pop();
                let (mut stream, line) = open.remove(&idx).unwrap();
                let (worker, _) = of(idx, &line);
                worker.nanoseconds.set(time * 1_000_000);
                let bytes = |key: &str| line[key].as_u64().unwrap_or_default();
                worker.bytes.set((bytes("bytes_received"), bytes("bytes_sent")));
                stream.on_end(worker);
                take_events(worker, &line, &mut replayed);
            }
        };
    let mut last_tick = 0;
    for (idx, line) in log.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let start = (line["start_time"].as_f64().unwrap() * 1000.0) as u64;
        end_until(start, &mut open, &mut ends);
        if start / 1000 > last_tick {
            last_tick = start / 1000;
            for (worker, root) in &workers {
                worker.nanoseconds.set(start * 1_000_000);
                root.tick(worker);
            }
        }
        let (worker, root) = of(idx, &line);
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        let mut headers = vec![(":method", text("method").as_bytes())];
        for (name, key) in [
            (":scheme", "scheme"),
            (":authority", "authority"),
            (":path", "path"),
            ("user-agent", "user_agent"),
        ] {
            if let Some(value) = line[key].as_str() {
                headers.push((name, value.as_bytes()));
            }
        }
        *worker.headers.borrow_mut() = filter::serialise(&headers);
        *worker.identity.borrow_mut() = text("client").as_bytes().to_vec();
        worker.nanoseconds.set(start * 1_000_000);
        let mut stream = root.http_stream();
        stream.on_request_headers(worker);
        let end = start + line["duration"].as_u64().unwrap_or_default();
        ends.push(std::cmp::Reverse((end, idx)));
        open.insert(idx, (stream, line));
    }
    end_until(u64::MAX, &mut open, &mut ends);
    for (worker, _) in &workers {
        for (name, count) in worker.metrics.borrow().iter() {
            *replayed.metrics.entry(name.clone()).or_default() += count;
        }
    }
    replayed.n_shared_bytes = workers
        .first()
        .map(|(worker, _)| worker.shared.borrow().values().map(|(value, _)| value.len()).sum())
        .unwrap_or_default();
    replayed
}

fn take_events(worker: &Worker, line: &Value, replayed: &mut Replayed) {
    for event in worker.lines.borrow_mut().drain(..) {
        let event: Value = serde_json::from_str(&event).unwrap();
        let text = |key: &str| line[key].as_str().unwrap_or_default();
        add_event(&mut replayed.alerts, text("client"), text("authority"), &event);
        replayed.n_events += 1;
    }
}
