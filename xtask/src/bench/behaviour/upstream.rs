//! A stand-in for the internet that answers with as many bytes as it is asked for, over HTTP and in tunnels.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

/// The request header with the number of bytes of the answer, and the first word in a tunnel, where the number of
/// bytes before the answer follows.
pub(super) const ANSWER: &str = "x-answer-bytes:";

const PIECE: [u8; 16 * 1024] = [b'x'; 16 * 1024];

/// Starts serving on a port that the operating system chooses. The threads end with the process.
pub(super) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever goes away gets no answer.
            thread::spawn(move || serve(&stream));
        }
    });
    Ok(address)
}

fn serve(stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let (mut n_body, mut n_answer, mut is_tunnel) = (0, 0, None);
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            // A tunnel has no request line in front of it.
            let is_first = *is_tunnel.get_or_insert_with(|| line.starts_with(ANSWER));
            if let Some(numbers) = line.strip_prefix(ANSWER) {
                let mut numbers = numbers.split_whitespace().map(str::parse);
                n_answer = numbers.next().context("no number of bytes")??;
                n_body = numbers.next().transpose()?.unwrap_or_default();
            }
            if let Some(number) = line.strip_prefix("content-length:") {
                n_body = number.trim().parse()?;
            }
            if line.is_empty() || is_first {
                break;
            }
        }
        std::io::copy(&mut input.by_ref().take(n_body), &mut std::io::sink())?;
        if is_tunnel == Some(true) {
            write(stream, n_answer)?;
            std::io::copy(&mut input, &mut std::io::sink())?;
            return Ok(());
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {n_answer}\r\n\r\n");
        let mut output = stream;
        output.write_all(head.as_bytes())?;
        write(stream, n_answer)?;
    }
}

/// Writes so many bytes.
pub(super) fn write(mut stream: &TcpStream, mut n_bytes: u64) -> Result<()> {
    while n_bytes > 0 {
        let n_now = n_bytes.min(PIECE.len() as u64);
        let piece = PIECE.get(..usize::try_from(n_now)?).context("a piece")?;
        stream.write_all(piece)?;
        n_bytes -= n_now;
    }
    Ok(())
}
