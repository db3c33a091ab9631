//! Programs that run the command in their arguments, as `sudo -u root curl ...`: where that command begins.

use crate::shell::Word;

/// How the arguments in front of a command are read.
struct Runner {
    names: &'static [&'static str],
    /// Short options that take a value.
    letters: &'static str,
    /// Long options that take a value; all options that are not here take none, or have it behind `=`.
    long: &'static [&'static str],
    /// How many words are between the options and the command: a duration, a host, a container.
    n_operands: usize,
}

const PLAIN: Runner = Runner { names: &[], letters: "", long: &[], n_operands: 0 };

/// From the manual pages of sudo 1.9, `OpenDoas`, GNU coreutils 9, util-linux 2.40, findutils, procps, proxychains-ng
/// and torsocks.
const RUNNERS: &[Runner] = &[
    Runner {
        names: &["sudo"],
        letters: "aCcDghpRrTtUu",
        long: &[
            "auth-type",
            "chdir",
            "chroot",
            "close-from",
            "command-timeout",
            "group",
            "host",
            "login-class",
            "other-user",
            "prompt",
            "role",
            "type",
            "user",
        ],
        ..PLAIN
    },
    Runner { names: &["doas"], letters: "aCu", ..PLAIN },
    Runner { names: &["env"], letters: "aCu", long: &["argv0", "chdir", "unset"], ..PLAIN },
    Runner { names: &["nice"], letters: "n", long: &["adjustment"], ..PLAIN },
    Runner { names: &["ionice"], letters: "cn", long: &["class", "classdata"], ..PLAIN },
    Runner { names: &["timeout"], letters: "ks", long: &["kill-after", "signal"], n_operands: 1 },
    Runner { names: &["stdbuf"], letters: "eio", long: &["error", "input", "output"], ..PLAIN },
    Runner {
        names: &["xargs"],
        letters: "adEILnPs",
        long: &[
            "arg-file",
            "delimiter",
            "max-args",
            "max-chars",
            "max-lines",
            "max-procs",
            "process-slot-var",
        ],
        ..PLAIN
    },
    Runner { names: &["watch"], letters: "n", long: &["interval"], ..PLAIN },
    Runner { names: &["time"], letters: "fo", long: &["format", "output"], ..PLAIN },
    Runner { names: &["exec"], letters: "a", ..PLAIN },
    Runner { names: &["proxychains", "proxychains4"], letters: "f", ..PLAIN },
    Runner { names: &["torify", "torsocks"], letters: "apPu", ..PLAIN },
    Runner { names: &["chroot"], n_operands: 1, ..PLAIN },
    Runner {
        names: &[
            "!", "{", "}", "&", "builtin", "busybox", "command", "do", "else", "if", "nohup",
            "setsid", "start", "then", "until", "while",
        ],
        ..PLAIN
    },
];

/// `docker run` and `docker exec`, also of Podman: the image or container is in front of the command.
///
/// See: <https://docs.docker.com/reference/cli/docker/container/run/>
const CONTAINER: Runner = Runner {
    names: &["docker", "nerdctl", "podman"],
    letters: "acehHlmpuvw",
    long: &[
        "add-host",
        "annotation",
        "attach",
        "blkio-weight",
        "cap-add",
        "cap-drop",
        "cgroup-parent",
        "cgroupns",
        "cidfile",
        "config",
        "context",
        "cpu-period",
        "cpu-quota",
        "cpu-shares",
        "cpus",
        "cpuset-cpus",
        "cpuset-mems",
        "detach-keys",
        "device",
        "dns",
        "dns-option",
        "dns-search",
        "domainname",
        "entrypoint",
        "env",
        "env-file",
        "expose",
        "gpus",
        "group-add",
        "health-cmd",
        "host",
        "hostname",
        "ip",
        "ip6",
        "ipc",
        "isolation",
        "label",
        "label-file",
        "link",
        "log-driver",
        "log-level",
        "log-opt",
        "mac-address",
        "memory",
        "memory-swap",
        "mount",
        "name",
        "net",
        "network",
        "network-alias",
        "pid",
        "pids-limit",
        "platform",
        "publish",
        "pull",
        "restart",
        "runtime",
        "security-opt",
        "shm-size",
        "stop-signal",
        "stop-timeout",
        "storage-opt",
        "sysctl",
        "tmpfs",
        "ulimit",
        "user",
        "userns",
        "uts",
        "volume",
        "volume-driver",
        "volumes-from",
        "workdir",
    ],
    n_operands: 0,
};

/// `ssh`, whose host is in front of the command (OpenSSH 10).
const SSH: Runner =
    Runner { names: &["ssh"], letters: "BbcDEeFIiJLlmOoPpQRSWw", n_operands: 1, ..PLAIN };

/// What a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runs<'w> {
    /// The command of these words.
    Command(&'w [Word]),
    /// A client that an image of this name has, by these words, of which the first is the image.
    Image(&'w str, &'w [Word]),
    /// These words, which another shell reads again.
    Script(&'w [Word]),
}

/// Returns what a program of this name runs, by its words; `None` where it runs none, or is not known.
pub(crate) fn runs<'w>(name: &str, words: &'w [Word]) -> Option<Runs<'w>> {
    let behind = words.get(1..)?;
    if SSH.names.contains(&name) {
        // Options may be behind the host, too.
        return Some(Runs::Script(SSH.without_options(SSH.behind(behind))));
    }
    if CONTAINER.names.contains(&name) {
        return container(behind);
    }
    if name == "eval" {
        return Some(Runs::Script(behind));
    }
    if matches!(name, "kubectl" | "oc") {
        let at = behind.iter().position(|word| word.text == "--")?;
        return behind.get(at + 1..).map(Runs::Command);
    }
    let runner = RUNNERS.iter().find(|runner| runner.names.contains(&name))?;
    Some(Runs::Command(runner.behind(behind)))
}

/// The command in a container: behind its name, or the image itself, if it is one of a client.
fn container(words: &[Word]) -> Option<Runs<'_>> {
    let mut words = CONTAINER.without_options(words);
    while let [first, rest @ ..] = words
        && matches!(first.text.as_str(), "container" | "compose")
    {
        words = CONTAINER.without_options(rest);
    }
    let [action, rest @ ..] = words else { return None };
    if !matches!(action.text.as_str(), "exec" | "run") {
        return None;
    }
    let rest = CONTAINER.without_options(rest);
    let image = image(&rest.first()?.text);
    let is_client = action.text == "run" && matches!(image, "curl" | "wget");
    if is_client { Some(Runs::Image(image, rest)) } else { rest.get(1..).map(Runs::Command) }
}

/// Returns true for a program whose arguments may name an image.
pub(crate) fn has_image(name: &str) -> bool {
    CONTAINER.names.contains(&name)
}

/// Returns the last part of the name of an image, without its tag.
pub(crate) fn image(word: &str) -> &str {
    let name = word.rsplit('/').next().unwrap_or_default();
    name.split([':', '@']).next().unwrap_or_default()
}

impl Runner {
    /// Returns what is behind the options and operands.
    fn behind<'w>(&self, words: &'w [Word]) -> &'w [Word] {
        self.without_options(words).get(self.n_operands..).unwrap_or_default()
    }

    fn without_options<'w>(&self, words: &'w [Word]) -> &'w [Word] {
        let mut words = words;
        while let [first, rest @ ..] = words {
            let text = first.text.as_str();
            if text == "--" {
                return rest;
            }
            if text.len() < 2 || !text.starts_with('-') {
                break;
            }
            let has_value_behind = match text.strip_prefix("--") {
                Some(name) => self.long.contains(&name),
                // The first letter that takes a value has it behind itself, or in the next word.
                None => text.find(|letter| self.letters.contains(letter)) == Some(text.len() - 1),
            };
            words = rest.get(usize::from(has_value_behind)..).unwrap_or_default();
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn the_command_behind_other_programs_is_found() {
        for (line, expect) in [
            ("sudo -u root curl a", "curl a"),
            ("sudo -nEu root curl a", "curl a"),
            ("sudo -uroot -g x -- curl a", "curl a"),
            ("sudo --user root --group=x -H curl a", "curl a"),
            ("doas -u www curl a", "curl a"),
            ("env -u http_proxy -i A=b curl a", "A=b curl a"),
            ("nice -n 5 curl a", "curl a"),
            ("timeout -s KILL -k 1 5s curl a", "curl a"),
            ("xargs -n 1 -P4 curl -O", "curl -O"),
            ("docker run --rm -it -e A=b --network host alpine:3 curl a", "curl a"),
            ("docker run --name curl curlimages/curl:8.17.0 -s a", "curlimages/curl:8.17.0 -s a"),
            ("podman --log-level debug exec -u 0 web curl a", "curl a"),
            ("docker compose exec -T web curl a", "curl a"),
            ("kubectl -n x exec -it web -c app -- curl a", "curl a"),
            ("ssh -p 22 -o A=b me@host -l x curl a", "curl a"),
        ] {
            let commands = shell::commands(line).unwrap();
            let words = &commands[0].words;
            let found = runs(&words[0].text, words);
            let (Runs::Command(behind) | Runs::Script(behind) | Runs::Image(_, behind)) =
                found.unwrap();
            let behind: Vec<_> = behind.iter().map(|word| word.text.as_str()).collect();
            assert_eq!(behind.join(" "), expect, "{line}");
        }
        for line in ["docker pull curl", "kubectl get pods", "docker run", "echo curl"] {
            let commands = shell::commands(line).unwrap();
            let words = &commands[0].words;
            assert_eq!(runs(&words[0].text, words), None, "{line}");
        }
    }
}
