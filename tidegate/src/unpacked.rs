//! Logs that are compressed or written in UTF-16, as text in UTF-8.

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

type Reader = Box<dyn Read + Send>;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Returns a reader of the text of a log: unpacked if it begins as gzip or zstd does, and in UTF-8 if it
/// begins with the byte order mark of UTF-16, or with two characters of ASCII in UTF-16.
///
/// # Errors
/// The log cannot be read, or is not what it begins as. Later errors are those of the reader.
pub(crate) fn open(reader: Reader) -> io::Result<Reader> {
    let mut packed = Peekable::new(reader);
    let start = packed.peek()?;
    let text: Reader = if start.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(packed))
    } else if start == ZSTD || is_skippable(start) {
        Box::new(Frames { rest: Rest::of(packed)? })
    } else {
        Box::new(packed)
    };
    let mut text = Peekable::new(text);
    let Some(encoding) = utf_16(text.peek()?) else { return Ok(Box::new(text)) };
    let mut builder = DecodeReaderBytesBuilder::new();
    Ok(Box::new(builder.encoding(Some(encoding)).bom_override(true).build(text)))
}

/// Returns the encoding of a text by its first bytes, if it is UTF-16.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] | [1..=127, 0, 1..=127, 0] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=127, 0, 1..=127] => Some(UTF_16BE),
        _ => None,
    }
}

/// A reader whose next bytes can be looked at, as often as there is something else behind them.
struct Peekable {
    /// What was looked at and not read.
    start: Vec<u8>,
    rest: Reader,
}

impl Peekable {
    fn new(rest: Reader) -> Peekable {
        Peekable { start: Vec::new(), rest }
    }

    /// Returns the next bytes: as many as a mark has, and fewer at the end.
    fn peek(&mut self) -> io::Result<&[u8]> {
        let n_missing = ZSTD.len().saturating_sub(self.start.len());
        (&mut self.rest).take(n_missing as u64).read_to_end(&mut self.start)?;
        Ok(&self.start)
    }
}

impl Read for Peekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start.is_empty() {
            return self.rest.read(buffer);
        }
        let n_read = self.start.as_slice().read(buffer)?;
        self.start.drain(..n_read);
        Ok(n_read)
    }
}

type Decoder = StreamingDecoder<Peekable, ruzstd::decoding::FrameDecoder>;

/// The frames of a zstd file: `zstd` appends, and several threads write several.
struct Frames {
    rest: Rest,
}

enum Rest {
    Frame(Box<Decoder>),
    End,
}

impl Rest {
    /// Returns the next frame. Those that are not of a text are skipped: `pzstd` and files that are read in any
    /// order have some (RFC 8878, 3.1.2).
    fn of(mut file: Peekable) -> io::Result<Rest> {
        loop {
            let start = file.peek()?;
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
    matches!(start, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

impl Read for Frames {
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
        open(Box::new(Cursor::new(bytes.to_vec())))?.read_to_string(&mut text)?;
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

    /// A reader around a reader for each frame would run out of stack.
    #[test]
    fn a_log_has_any_number_of_frames() {
        let frame = compress_to_vec(&b"a\n"[..], CompressionLevel::Fastest);
        let n_frames = 50_000;
        assert_eq!(read(&frame.repeat(n_frames)).unwrap(), "a\n".repeat(n_frames));
    }
}
