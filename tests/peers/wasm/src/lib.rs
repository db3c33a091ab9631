//! The engine behind plain functions, so that a script can time it in V8 (`engine.mjs`).
//!
//! The host asks for room with [`room`], writes bytes there and calls what takes them.

#![allow(unsafe_code, reason = "exported functions and the host's bytes need it")]

#[path = "../../src/recorded.rs"]
mod recorded;

use std::cell::RefCell;

use inspect::{Event, Inspector, Pack};
use recorded::Recorded;

/// What the host has loaded.
#[derive(Default)]
struct Engine {
    room: Vec<u8>,
    inspector: Option<Inspector>,
    events: Vec<Recorded>,
    arena: Event,
}

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::default();
}

/// Makes room for bytes from the host; where it is.
#[unsafe(no_mangle)]
pub extern "C" fn room(n_bytes: usize) -> *mut u8 {
    ENGINE.with_borrow_mut(|engine| {
        engine.room = vec![0; n_bytes];
        engine.room.as_mut_ptr()
    })
}

/// Decodes the pack in the room and puts it to work; 1 if it is one.
#[unsafe(no_mangle)]
pub extern "C" fn load_pack() -> u32 {
    ENGINE.with_borrow_mut(|engine| {
        let pack = Pack::decode(&engine.room).ok();
        engine.inspector = pack.map(Inspector::new);
        u32::from(engine.inspector.is_some())
    })
}

/// Decodes the pack in the room and drops it again; how many rules it has.
#[unsafe(no_mangle)]
pub extern "C" fn decode() -> usize {
    ENGINE.with_borrow(|engine| {
        Pack::decode(&engine.room).map_or(0, |pack| pack.tables().rules.len())
    })
}

/// Reads the events in the room, for the pack that is at work; how many they are.
#[unsafe(no_mangle)]
pub extern "C" fn load_events() -> usize {
    ENGINE.with_borrow_mut(|engine| {
        let Some(inspector) = &engine.inspector else { return 0 };
        let text = String::from_utf8_lossy(&engine.room);
        engine.events = recorded::read(&text, inspector.pack().tables());
        engine.events.len()
    })
}

/// Inspects every event that often; how many matches there were in all.
#[unsafe(no_mangle)]
pub extern "C" fn run(n_rounds: u32) -> usize {
    ENGINE.with_borrow_mut(|engine| {
        let Some(inspector) = &mut engine.inspector else { return 0 };
        let mut n_matches = 0;
        for _ in 0..n_rounds {
            for recorded in &engine.events {
                let verdict = inspector.inspect_event(|_, event| recorded.answer(event));
                n_matches += verdict.matches.len();
            }
        }
        n_matches
    })
}

/// Only answers the fields of every event that often.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(n_rounds: u32) -> usize {
    ENGINE.with_borrow_mut(|engine| {
        let Some(inspector) = &engine.inspector else { return 0 };
        let n_fields = inspector.pack().tables().fields.len();
        let mut n_truncated = 0;
        for _ in 0..n_rounds {
            for recorded in &engine.events {
                engine.arena.clear(n_fields);
                recorded.answer(&mut engine.arena);
                n_truncated += usize::from(engine.arena.truncated());
            }
        }
        n_truncated
    })
}
