//! The running program itself.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const BLOCK_BYTES: usize = 1 << 20;

/// Reads the running program, block by block. On Linux it is the file that runs, whatever took its place since.
pub(crate) fn read_program(mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let own = Path::new("/proc/self/exe");
    let mut file = if own.exists() { File::open(own) } else { File::open(env::current_exe()?) }?;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let n_read = file.read(&mut block)?;
        if n_read == 0 {
            return Ok(());
        }
        each(block.get(..n_read).unwrap_or_default());
    }
}
