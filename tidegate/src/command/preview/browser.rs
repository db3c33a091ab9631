//! The browser of whoever sits at this machine.

use std::io;
use std::process::{Command, Stdio};

/// Asks the system to open an address. The program that does so is not waited for.
pub(super) fn open(url: &str) -> io::Result<()> {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|_| ())
}
