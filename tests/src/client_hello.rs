//! The first message of TLS, with exact bytes.

use anyhow::{Context, Result};

/// Returns a `ClientHello` with a server name of any bytes (RFC 8446, 4.1.2; RFC 6066, 3).
///
/// # Errors
///
/// If the name is longer than its length fields can say.
pub fn client_hello(server_name: &[u8]) -> Result<Vec<u8>> {
    let sized = |n_bytes: usize, bytes: &[u8]| -> Result<Vec<u8>> {
        let n_length = u32::try_from(bytes.len())?.to_be_bytes();
        Ok([n_length.get(4 - n_bytes..).context("a length")?, bytes].concat())
    };
    let name = [&[0][..], &sized(2, server_name)?].concat();
    let extension = [&[0, 0][..], &sized(2, &sized(2, &name)?)?].concat();
    let hello = [
        &[3, 3][..],
        &[7; 32],
        &sized(1, &[])?,
        &sized(2, &[0xc0, 0x2f])?,
        &sized(1, &[0])?,
        &sized(2, &extension)?,
    ];
    let message = [&[1][..], &sized(3, &hello.concat())?].concat();
    Ok([&[22, 3, 1][..], &sized(2, &message)?].concat())
}
