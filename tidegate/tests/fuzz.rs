//! The seeds of the fuzz targets, and what once crashed one, run on stable.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may panic and works on files; the targets are a library of their own"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use traffic::{Entry, FieldMap, Format, Layout, LogReader};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn seeds_and_old_crashes_hold() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for (name, target) in targets::TARGETS {
        let seeds = files(&fuzz.join("seeds").join(name));
        assert!(*name == "pack" || !seeds.is_empty(), "{name} has seeds");
        for file in seeds.into_iter().chain(files(&fuzz.join("crashes").join(name))) {
            // A panic would not say of which file.
            eprintln!("{}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}

/// Packs are made here, in the format of now, and then damaged: each place once, in turn with others.
#[test]
fn damaged_packs_are_refused_or_run() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/sigma");
    let mut n_whole = 0;
    for path in files(&seeds) {
        let text = fs::read_to_string(&path).unwrap();
        let parsed = sigma::parse(&sigma::Source::new("seed.yml", &text));
        let mut compiler = sigma::Compiler::new("seed", 1);
        n_whole += parsed.rules.iter().filter(|rule| compiler.add(rule).is_ok()).count();
        let mut body = compiler.finish().encode().split_off(48);
        targets::pack(&body);
        let stride = body.len() / 2048 + 1;
        for at in (0..body.len()).step_by(stride) {
            for flip in [1, 0x80, 0xff] {
                body[at] ^= flip;
                targets::pack(&body);
                body[at] ^= flip;
            }
        }
    }
    assert!(n_whole > 2, "{n_whole}");
}

/// The format that the name of a seed begins with.
fn format_of_name(name: &str) -> Option<Format> {
    let known = Format::ALL.iter().filter(|(known, _)| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    known.max_by_key(|(known, _)| known.len()).map(|(_, format)| *format)
}

#[test]
fn each_seed_of_a_log_is_read_by_the_format_of_its_name() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/log")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        let detected = || Some((Layout::detect(&bytes)?, FieldMap::default(), bytes.as_slice()));
        let Some((layout, map, log)) = targets::described(&bytes).or_else(detected) else {
            wrong.push(format!("{name} is not detected"));
            continue;
        };
        if Some(layout.format) != format_of_name(name) {
            wrong.push(format!("{name} is {}", layout.format.as_str()));
        }
        seen.insert(layout.format);
        let (mut n_requests, mut others) = (0, Vec::new());
        LogReader::new(layout, &map).read(log, &mut |number, entry| match entry {
            Ok(Entry::Request(logged)) if logged.other.is_none() => n_requests += 1,
            Ok(Entry::Object(_, format)) if Some(format) == format_of_name(name) => n_requests += 1,
            other => others.push(format!("{number}: {other:?}")),
        });
        if n_requests == 0 {
            wrong.push(format!("{name} has no request: {others:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, format) in Format::ALL {
        assert!(seen.contains(format), "a seed of {name}");
    }
}

#[test]
fn every_kept_crash_is_of_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for kind in ["seeds", "crashes", "dictionaries", "fuzz_targets"] {
        for path in files(&fuzz.join(kind)) {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(targets::TARGETS.iter().any(|(known, _)| *known == name), "{}", path.display());
        }
    }
}
