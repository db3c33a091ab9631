//! Logs that are compressed, archived, or written in UTF-16, as text in UTF-8.

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;
use tar::Archive;

type Reader<'r> = Box<dyn Read + 'r>;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// How many bytes show whether a file is compressed, and whether it is in UTF-16.
const MARK_BYTES: usize = 4;
/// How much is read at once to look at it: what a pipe holds.
const BLOCK_BYTES: usize = 64 << 10;

/// Where the head of a file in a tar archive has its mark (POSIX ustar, also of GNU and of pax).
const TAR_MARK_AT: usize = 257;
const TAR_MARK: &[u8] = b"ustar";

/// What a file is, unpacked.
pub(crate) enum Unpacked<'r> {
    Text(Reader<'r>),
    /// A tar archive, before its first file.
    Archive(Archive<Reader<'r>>),
}

/// Returns what a file is: unpacked if it begins as gzip or zstd does, and as UTF-8 if it begins with the byte order
/// mark of UTF-16, or with two characters of ASCII in UTF-16.
///
/// # Errors
/// The file cannot be read, or is not what it begins as. Later errors are those of the reader.
pub(crate) fn open(reader: Reader<'_>) -> io::Result<Unpacked<'_>> {
    let mut packed = Peekable::new(reader);
    let start = packed.peek(MARK_BYTES)?;
    let text: Reader = if start.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(packed))
    } else if start.starts_with(ZSTD) || is_skippable(start) {
        Box::new(Frames { rest: Rest::of(packed)? })
    } else {
        Box::new(packed)
    };
    let mut text = Peekable::new(text);
    if is_tar(text.peek_line(TAR_MARK_AT + TAR_MARK.len())?) {
        return Ok(Unpacked::Archive(Archive::new(Box::new(text))));
    }
    let Some(encoding) = utf_16(text.peek(MARK_BYTES)?) else {
        return Ok(Unpacked::Text(Box::new(text)));
    };
    let mut builder = DecodeReaderBytesBuilder::new();
    let text = builder.encoding(Some(encoding)).bom_override(true).build(text);
    Ok(Unpacked::Text(Box::new(text)))
}

/// Returns true if bytes are the start of a tar archive.
fn is_tar(start: &[u8]) -> bool {
    start.get(TAR_MARK_AT..).is_some_and(|mark| mark.starts_with(TAR_MARK))
}

/// Returns the encoding of a text by its first bytes, if it is UTF-16.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] | [1..=127, 0, 1..=127, 0, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=127, 0, 1..=127, ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// A reader whose next bytes can be looked at, as often as there is something else behind them.
struct Peekable<'r> {
    /// What was looked at; the bytes from `at` on are not read.
    start: Vec<u8>,
    at: usize,
    rest: Reader<'r>,
}

impl<'r> Peekable<'r> {
    fn new(rest: Reader<'r>) -> Peekable<'r> {
        Peekable { start: Vec::new(), at: 0, rest }
    }

    /// Returns what is not read, of what was looked at.
    fn ahead(&self) -> &[u8] {
        self.start.get(self.at..).unwrap_or_default()
    }

    /// Returns the next bytes: so many at least, and fewer at the end.
    fn peek(&mut self, n_bytes: usize) -> io::Result<&[u8]> {
        self.peek_until(|ahead| ahead.len() >= n_bytes)
    }

    /// Returns the next bytes: so many at least, and fewer at the end or where a line ends before them, since behind
    /// it a stream may give nothing for long.
    fn peek_line(&mut self, n_bytes: usize) -> io::Result<&[u8]> {
        self.peek_until(|ahead| ahead.len() >= n_bytes || ahead.contains(&b'\n'))
    }

    fn peek_until(&mut self, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<&[u8]> {
        while !is_enough(self.ahead()) {
            self.start.drain(..self.at);
            self.at = 0;
            let end = self.start.len();
            self.start.resize(end + BLOCK_BYTES, 0);
            let n_read = match self.start.get_mut(end..) {
                Some(room) => self.rest.read(room),
                None => Ok(0),
            };
            self.start.truncate(end + *n_read.as_ref().unwrap_or(&0));
            match n_read {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(self.ahead())
    }
}

impl Read for Peekable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ahead = self.ahead();
        if ahead.is_empty() {
            return self.rest.read(buffer);
        }
        let n_read = ahead.read(buffer)?;
        self.at += n_read;
        Ok(n_read)
    }
}

type Decoder<'r> = StreamingDecoder<Peekable<'r>, ruzstd::decoding::FrameDecoder>;

/// The frames of a zstd file: `zstd` appends, and several threads write several.
struct Frames<'r> {
    rest: Rest<'r>,
}

enum Rest<'r> {
    Frame(Box<Decoder<'r>>),
    End,
}

impl<'r> Rest<'r> {
    /// Returns the next frame. Those that are not of a text are skipped: `pzstd` and files that are read in any
    /// order have some (RFC 8878, 3.1.2).
    fn of(mut file: Peekable<'r>) -> io::Result<Rest<'r>> {
        loop {
            let start = file.peek(MARK_BYTES)?;
            if start.is_empty() {
                return Ok(Rest::End);
            }
            if !is_skippable(start) {
                let decoder = StreamingDecoder::new(file).map_err(io::Error::other)?;
                return Ok(Rest::Frame(Box::new(decoder)));
            }
            let mut head = [0; 8];
            file.read_exact(&mut head)?;
            let [_, _, _, _, length @ ..] = head;
            let length = u64::from(u32::from_le_bytes(length));
            if io::copy(&mut (&mut file).take(length), &mut io::sink())? < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn is_skippable(start: &[u8]) -> bool {
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Rest::Frame(frame) = &mut self.rest else { return Ok(0) };
            let n_read = frame.read(buffer)?;
            if n_read > 0 || buffer.is_empty() {
                return Ok(n_read);
            }
            let Rest::Frame(frame) = std::mem::replace(&mut self.rest, Rest::End) else {
                return Ok(0);
            };
            self.rest = Rest::of(frame.into_inner())?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        match open(Box::new(Cursor::new(bytes.to_vec())))? {
            Unpacked::Text(mut reader) => reader.read_to_string(&mut text)?,
            Unpacked::Archive(_) => panic!("no archive"),
        };
        Ok(text)
    }

    #[test]
    fn compressed_logs_and_utf_16_are_read() {
        let text = "{\"authority\":\"ä.example\"}\n".repeat(1000);
        let gzip = |text: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |text: &[u8]| compress_to_vec(text, CompressionLevel::Fastest);
        let marked = format!("\u{feff}{text}");
        let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let bytes = text.as_bytes();
        let twice = text.repeat(2);
        let skipped = &b"\x5f\x2a\x4d\x18\x03\0\0\0abc"[..];
        for (name, log, expect) in [
            ("plain", bytes.to_vec(), &text),
            ("gzip", gzip(bytes), &text),
            ("members of gzip", [gzip(bytes), gzip(bytes)].concat(), &twice),
            ("zstd", zstd(bytes), &text),
            ("frames of zstd", [zstd(bytes), zstd(bytes)].concat(), &twice),
            ("skipped frames", [skipped, zstd(bytes).as_slice(), skipped, skipped].concat(), &text),
            ("UTF-16, little endian", little.clone(), &text),
            ("UTF-16, big endian", big.clone(), &text),
            ("UTF-16 without a mark", little.get(2..).unwrap().to_vec(), &text),
            ("UTF-16 without a mark, big endian", big.get(2..).unwrap().to_vec(), &text),
            ("UTF-16 in gzip", gzip(&little), &text),
        ] {
            assert!(read(&log).unwrap() == *expect, "{name}");
        }
        for (log, expect) in [(&b""[..], ""), (b"a", "a"), (b"\x1f", "\x1f")] {
            assert_eq!(read(log).unwrap(), expect);
        }
        let cut = gzip(bytes);
        assert!(read(cut.get(..cut.len() - 10).unwrap()).is_err());
        assert!(read(skipped.get(..10).unwrap()).is_err());
    }

    #[test]
    fn a_stream_is_not_waited_for_behind_its_first_line() {
        struct Silent;
        impl Read for Silent {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("a stream that is live would block here");
            }
        }
        let stream = Cursor::new(b"first\n").chain(Silent);
        let Unpacked::Text(mut text) = open(Box::new(stream)).unwrap() else { panic!("a text") };
        let mut line = [0; 6];
        text.read_exact(&mut line).unwrap();
        assert_eq!(&line, b"first\n");
    }

    /// A reader around a reader for each frame would run out of stack.
    #[test]
    fn a_log_has_any_number_of_frames() {
        let frame = compress_to_vec(&b"a\n"[..], CompressionLevel::Fastest);
        let n_frames = 50_000;
        assert_eq!(read(&frame.repeat(n_frames)).unwrap(), "a\n".repeat(n_frames));
    }
}
