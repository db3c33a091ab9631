//! Logs that are compressed or written in UTF-16, as text in UTF-8.

use std::io::{self, Cursor, Read};

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
    let (start, reader) = peek(reader)?;
    let reader = if start.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(reader))
    } else if start.starts_with(ZSTD) {
        Box::new(Frames { rest: Rest::Frame(decoder(reader)?) })
    } else {
        reader
    };
    let (start, reader) = peek(reader)?;
    let Some(encoding) = utf_16(&start) else { return Ok(reader) };
    let mut builder = DecodeReaderBytesBuilder::new();
    Ok(Box::new(builder.encoding(Some(encoding)).bom_override(true).build(reader)))
}

/// Returns the encoding of a text by its first bytes, if it is UTF-16.
fn utf_16(start: &[u8]) -> Option<&'static Encoding> {
    match start {
        [0xff, 0xfe, ..] | [1..=127, 0, 1..=127, 0] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=127, 0, 1..=127] => Some(UTF_16BE),
        _ => None,
    }
}

/// Returns the first bytes of a reader, and one that begins with them.
fn peek(mut reader: Reader) -> io::Result<(Vec<u8>, Reader)> {
    let mut start = Vec::new();
    (&mut reader).take(ZSTD.len() as u64).read_to_end(&mut start)?;
    let reader = Box::new(Cursor::new(start.clone()).chain(reader));
    Ok((start, reader))
}

type Decoder = StreamingDecoder<Reader, ruzstd::decoding::FrameDecoder>;

fn decoder(reader: Reader) -> io::Result<Box<Decoder>> {
    StreamingDecoder::new(reader).map(Box::new).map_err(io::Error::other)
}

/// The frames of a zstd file: `zstd` appends, and several threads write several.
struct Frames {
    rest: Rest,
}

enum Rest {
    Frame(Box<Decoder>),
    End,
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
            let (start, reader) = peek(frame.into_inner())?;
            if !start.is_empty() {
                self.rest = Rest::Frame(decoder(reader)?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
        for (name, log, expect) in [
            ("plain", bytes.to_vec(), &text),
            ("gzip", gzip(bytes), &text),
            ("members of gzip", [gzip(bytes), gzip(bytes)].concat(), &twice),
            ("zstd", zstd(bytes), &text),
            ("frames of zstd", [zstd(bytes), zstd(bytes)].concat(), &twice),
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
    }
}
