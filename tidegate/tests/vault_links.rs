//! `tidegate vault` in a folder that somebody else can write into: links, pipes, devices.

#![forbid(unsafe_code)]
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests over files, with helpers beside the test functions"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const SECRET: &str = "{\"types\": {\"token\": \"s3cret-of-another-project\"}}\n";

/// A vault, and a folder outside of it with a file and a folder of somebody else.
struct Shared {
    _scratch: tempfile::TempDir,
    vault: PathBuf,
    outside: PathBuf,
}

impl Shared {
    fn new() -> Shared {
        let scratch = tempfile::tempdir().unwrap();
        let (vault, outside) = (scratch.path().join("vault"), scratch.path().join("outside"));
        fs::create_dir_all(&vault).unwrap();
        fs::create_dir_all(outside.join("new")).unwrap();
        fs::write(outside.join("secret.json"), SECRET).unwrap();
        fs::write(outside.join("new/keep"), "mine").unwrap();
        Shared { _scratch: scratch, vault, outside }
    }

    /// Builds; a run that hangs is ended and fails the test.
    fn build(&self) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["vault", "build", "--techniques", "T1102", "--notes"])
            .arg(root.join("knowledge/notes/services"))
            .arg(&self.vault)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A pipe that nobody reads fills up, and the run would wait for it.
        let (out, err) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            let is_late = begun.elapsed() > Duration::from_mins(1);
            if is_late {
                child.kill().unwrap();
            }
            assert!(!is_late, "the build does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let status = child.wait().unwrap();
        Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
    }

    /// Builds, and expects a finding that names `path`, and nothing changed outside.
    fn is_refused(&self, path: &str) {
        let output = self.build();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(path), "{said}");
        self.outside_is_untouched();
    }

    fn outside_is_untouched(&self) {
        assert_eq!(fs::read_to_string(self.outside.join("secret.json")).unwrap(), SECRET);
        assert_eq!(fs::read_to_string(self.outside.join("new/keep")).unwrap(), "mine");
        assert_eq!(fs::read_dir(&self.outside).unwrap().count(), 2);
        assert_eq!(fs::read_dir(self.outside.join("new")).unwrap().count(), 1);
    }
}

fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        pipe.read_to_end(&mut all).unwrap();
        all
    })
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn an_unfinished_file_that_is_a_link_is_not_written_through() {
    let shared = Shared::new();
    fs::create_dir_all(shared.vault.join(".tidegate/new")).unwrap();
    for number in 0..64 {
        let link = shared.vault.join(format!(".tidegate/new/{number}"));
        symlink(shared.outside.join("secret.json"), link).unwrap();
    }
    assert_eq!(shared.build().status.code(), Some(0));
    shared.outside_is_untouched();
    assert!(shared.vault.join(".tidegate/new/0").is_symlink(), "what others made stays");
}

#[test]
fn an_unfinished_file_that_is_a_pipe_does_not_hang() {
    let shared = Shared::new();
    fs::create_dir_all(shared.vault.join(".tidegate/new")).unwrap();
    for number in 0..64 {
        pipe(&shared.vault.join(format!(".tidegate/new/{number}")));
    }
    assert_eq!(shared.build().status.code(), Some(0));
}

#[test]
fn own_folder_that_is_a_link_is_refused() {
    let shared = Shared::new();
    symlink(&shared.outside, shared.vault.join(".tidegate")).unwrap();
    shared.is_refused("`.tidegate` is a link");
}

#[test]
fn folder_of_unfinished_files_that_is_a_link_is_refused() {
    let shared = Shared::new();
    fs::create_dir(shared.vault.join(".tidegate")).unwrap();
    symlink(shared.outside.join("new"), shared.vault.join(".tidegate/new")).unwrap();
    shared.is_refused("is a link");
}

#[test]
fn folder_of_pages_that_is_a_link_is_refused() {
    for target in ["../outside", "../outside/new", "."] {
        let shared = Shared::new();
        symlink(target, shared.vault.join("Services")).unwrap();
        shared.is_refused("`Services` is a link");
    }
}

#[test]
fn page_that_is_a_link_a_pipe_or_a_folder_is_refused() {
    let page = "Services/Telegram.md";
    let shared = Shared::new();
    fs::create_dir(shared.vault.join("Services")).unwrap();
    symlink(shared.outside.join("secret.json"), shared.vault.join(page)).unwrap();
    shared.is_refused("is a link");
    assert!(shared.vault.join(page).is_symlink());

    let shared = Shared::new();
    fs::create_dir(shared.vault.join("Services")).unwrap();
    pipe(&shared.vault.join(page));
    shared.is_refused("is not a regular file");

    let shared = Shared::new();
    fs::create_dir_all(shared.vault.join(page)).unwrap();
    shared.is_refused("is not a regular file");

    let shared = Shared::new();
    fs::create_dir(shared.vault.join("Services")).unwrap();
    symlink("/dev/zero", shared.vault.join(page)).unwrap();
    shared.is_refused("is a link");
}

#[test]
fn settings_that_are_a_link_or_a_pipe_are_not_read() {
    let types = ".obsidian/types.json";
    let shared = Shared::new();
    fs::create_dir(shared.vault.join(".obsidian")).unwrap();
    symlink(shared.outside.join("secret.json"), shared.vault.join(types)).unwrap();
    let said = String::from_utf8(shared.build().stdout).unwrap();
    assert!(said.contains("conflict: .obsidian/types.json"), "{said}");
    assert!(shared.vault.join(types).is_symlink());
    shared.outside_is_untouched();

    let shared = Shared::new();
    fs::create_dir(shared.vault.join(".obsidian")).unwrap();
    pipe(&shared.vault.join(types));
    let said = String::from_utf8(shared.build().stdout).unwrap();
    assert!(said.contains("conflict: .obsidian/types.json"), "{said}");

    let shared = Shared::new();
    fs::create_dir(shared.outside.join("new/settings")).unwrap();
    fs::rename(shared.outside.join("secret.json"), shared.outside.join("new/settings/types.json"))
        .unwrap();
    symlink(shared.outside.join("new/settings"), shared.vault.join(".obsidian")).unwrap();
    shared.build();
    let secret = fs::read_to_string(shared.outside.join("new/settings/types.json")).unwrap();
    assert_eq!(secret, SECRET);
}

#[test]
fn state_that_is_a_link_or_a_pipe_is_refused() {
    let state = ".tidegate/state.json";
    let shared = Shared::new();
    fs::create_dir(shared.vault.join(".tidegate")).unwrap();
    symlink(shared.outside.join("secret.json"), shared.vault.join(state)).unwrap();
    shared.is_refused("is a link");

    let shared = Shared::new();
    fs::create_dir(shared.vault.join(".tidegate")).unwrap();
    pipe(&shared.vault.join(state));
    shared.is_refused("is not a regular file");
}

#[test]
fn the_vault_itself_may_be_a_link() {
    let shared = Shared::new();
    let real = shared.vault.with_file_name("real");
    fs::rename(&shared.vault, &real).unwrap();
    symlink(&real, &shared.vault).unwrap();
    assert_eq!(shared.build().status.code(), Some(0));
    assert!(real.join("Services/Telegram.md").is_file());
    assert!(!real.join(".tidegate/new").exists(), "what the run made is tidied");
}
