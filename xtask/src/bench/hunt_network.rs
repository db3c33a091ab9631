//! What the behaviour of a large network costs a hunt: five thousand sources, each with some five hundred hosts of its
//! own, through a pipe.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use ::tests::workspace;
use anyhow::{Context, Result, ensure};

use super::hunt::peak_of;
use crate::progress::step;
use crate::sources;

const N_SOURCES: u64 = 5000;
/// Hosts of a source, of which the first are used most.
const HOSTS_OF_SOURCE: f64 = 560.0;
const N_HOSTS: u64 = 200_000;

/// Hunts so many lines with rules over time and without, and prints time and peak of memory of each.
#[expect(clippy::print_stdout, reason = "a report for people")]
pub(super) fn run(n_lines: u64) -> Result<()> {
    let tidegate = workspace::target().join("release/tidegate");
    let pack = workspace::shipped_pack()?;
    let plain = sources::needed(&["sigma"])?.join("sigma/rules/web/proxy_generic");
    let hunts: [(&str, Vec<OsString>); 2] = [
        ("rules over time", vec!["--pack".into(), pack.into_os_string()]),
        ("29 rules of SigmaHQ", vec!["--rules".into(), plain.into_os_string()]),
    ];
    for (name, rules) in hunts {
        step(&format!("{n_lines} lines of a network, {name}"));
        let start = Instant::now();
        let mut command = Command::new(&tidegate);
        command.args(["hunt", "--threads", "1"]).args(&rules).arg("-");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let (peak, n_bytes) = peak_of(command, |child| write_log(child, n_lines))?;
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (megabytes, peak_megabytes) = (n_bytes as f64 / 1e6, peak as f64 / 1e3);
        println!(
            "network, {name}, 1 thread: {n_lines} lines, {megabytes:.0} MB in {seconds:.1} s, {peak_megabytes:.0} MB at the peak"
        );
    }
    Ok(())
}

/// Writes the log to a program; returns how many bytes it has.
fn write_log(child: &mut Child, n_lines: u64) -> Result<u64> {
    let mut pipe = BufWriter::new(child.stdin.take().context("hunt has a pipe")?);
    let mut n_bytes = 0;
    let mut line = Vec::new();
    for number in 0..n_lines {
        line.clear();
        write_line(number, n_lines, &mut line)?;
        n_bytes += line.len() as u64;
        pipe.write_all(&line)?;
    }
    pipe.flush()?;
    ensure!(n_bytes > 0, "a log has lines");
    Ok(n_bytes)
}

/// A line of a day of `n_lines`.
fn write_line(number: u64, n_lines: u64, out: &mut Vec<u8>) -> Result<()> {
    let random = mix(number);
    let source = random % N_SOURCES;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = (mix(random) >> 11) as f64 / (1_u64 << 53) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds")]
    let nth = (share * share * HOSTS_OF_SOURCE) as u64;
    let host = mix(source << 16 | nth) % N_HOSTS;
    let second = number * 86_400 / n_lines;
    let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
    writeln!(
        out,
        concat!(
            r#"{{"authority":"www-{host}.example","bytes_received":{sent},"bytes_sent":{received},"#,
            r#""downstream_remote_address":"10.{a}.{b}.7:{port}","duration":{duration},"method":"GET","#,
            r#""path":"/assets/{path:x}/page?n={number}","protocol":"HTTP/2","request_id":"{random:016x}","#,
            r#""response_code":200,"response_flags":"-","#,
            r#""start_time":"2026-11-21T{hours:02}:{minutes:02}:{seconds:02}.000Z","#,
            r#""upstream_host":"192.0.2.{last}:443","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"}}"#
        ),
        host = host,
        sent = 200 + random % 700,
        received = 1000 + random % 60_000,
        a = source / 250,
        b = source % 250,
        port = 32_768 + random % 28_000,
        duration = random % 700,
        path = random % 10_000,
        number = number,
        random = random,
        hours = hours,
        minutes = minutes,
        seconds = seconds,
        last = random % 250,
    )?;
    Ok(())
}

/// A number that looks random, by the finalizer of `SplitMix64`.
fn mix(number: u64) -> u64 {
    let mut hash = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    hash = (hash ^ hash >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ hash >> 31
}
