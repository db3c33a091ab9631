//! Command lines to the requests that their programs send: curl, wget, `HTTPie`, PowerShell's, scripts in arguments,
//! and programs that fetch a URL, wherever they are in a line of a shell.

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};
use diagnostics::{Findings, Span};

use crate::expansion::Expansion;
use crate::recorded::RecordedRequest;
use crate::runner::{self, Runs};
use crate::shell::{self, SimpleCommand, UnclosedQuote, Word};
use crate::{codes, curl, download, fetch, httpie, java_script, php, power_shell, python, wget};

/// Deepest scripts within commands, as in `sh -c "bash -c '...'"`.
const MAX_DEPTH: usize = 4;

/// A program whose requests are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Curl,
    Wget,
    /// Runs the command in its arguments behind `-c`.
    Shell,
    /// Has another shell read its arguments again, as `ssh` does.
    Remote,
    /// Runs a script of PowerShell.
    PowerShell,
    Python,
    /// Runs JavaScript behind `-e`.
    Node,
    /// Runs PHP behind `-r`.
    Php,
    /// `HTTPie` or `xh`.
    HttPie,
    /// Fetches the URLs in its arguments.
    Download,
    Other,
}

/// Returns true if a command line may be one of a program whose requests are read.
pub(crate) fn is_command(text: &str) -> bool {
    let line = without_prompt(text);
    // An image may have the name of a program, and a tag.
    let has_image = line.split_whitespace().take(4).any(|word| runner::has_image(&name(word)));
    power_shell::is_script(line)
        || line.split_whitespace().take(16).enumerate().any(|(idx, word)| {
            let word = word.trim_start_matches(['(', '$', '`', '"', '\'', '<', '{', '!']);
            let word = if has_image { runner::image(word) } else { word };
            match program(word) {
                Program::Other => false,
                // Words of other texts too.
                Program::HttPie | Program::Node => idx == 0,
                _ => true,
            }
        })
}

/// Reads all commands of a text. `None` where none of them is of a known program.
pub(crate) fn read(
    text: &str,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    read_at_depth(text, 0, expansion, findings)
}

fn read_at_depth(
    text: &str,
    depth: usize,
    expansion: &Expansion,
    findings: &mut Findings,
) -> Option<Vec<RecordedRequest>> {
    let line = without_prompt(text);
    if power_shell::is_script(line) {
        return power_shell::read(line, expansion, findings);
    }
    // A prompt becomes blanks, so that the places of findings are those of the text.
    let blanks = " ".repeat(text.chars().count().saturating_sub(line.chars().count()));
    let commands = match shell::commands(&format!("{blanks}{line}")) {
        Ok(commands) => commands,
        Err(UnclosedQuote(span)) => {
            let message = "the quote that begins here is not closed";
            findings.add(&codes::UNCLOSED_QUOTE, span, message, "close it, or escape it with `\\`");
            return Some(Vec::new());
        }
    };
    let mut requests = None;
    for command in &commands {
        let Some((program, words)) = of_program(command) else { continue };
        let found = match program {
            Program::Curl => curl::read(words, expansion, findings),
            Program::Wget => wget::read(words, expansion, findings),
            Program::HttPie if httpie::is_command(words) => {
                httpie::read(&name_of(words), words, expansion, findings)
            }
            // One of several steps, as of bitsadmin, need not name a URL.
            Program::Download if commands.len() > 1 && !download::has_url(words) => continue,
            Program::Download => download::read(&name_of(words), words, expansion, findings),
            Program::Shell | Program::PowerShell | Program::Remote if depth < MAX_DEPTH => {
                let script = if program == Program::Remote { joined(words) } else { script(words) };
                let Some(script) = script else { continue };
                // The place of a script is that of its word.
                let mut of_script = Findings::new(findings.file());
                let found = match program {
                    Program::PowerShell => {
                        power_shell::read(&script.text, expansion, &mut of_script)
                    }
                    _ => read_at_depth(&script.text, depth + 1, expansion, &mut of_script),
                };
                let place = findings.place(script.span);
                findings.extend_at(of_script, &place);
                let Some(found) = found else { continue };
                found
            }
            Program::Python | Program::Node | Program::Php => {
                let Some(script) = script(words) else { continue };
                let mut of_script = Findings::new(findings.file());
                let found = match program {
                    Program::Python => python::read(&script.text, expansion, &mut of_script),
                    Program::Node => fetch::read(&script.text, expansion, &mut of_script)
                        .or_else(|| java_script::read(&script.text, expansion, &mut of_script)),
                    _ => php::read(&script.text, expansion, &mut of_script),
                };
                let place = findings.place(script.span);
                findings.extend_at(of_script, &place);
                let Some(found) = found else { continue };
                found
            }
            Program::Shell
            | Program::PowerShell
            | Program::Remote
            | Program::HttPie
            | Program::Other => continue,
        };
        if let Some(cut) = command.cut.filter(|_| !found.is_empty()) {
            let message = "the shell ends the command at this `&`";
            let help = "put the URL in quotes, if the `&` is a part of it";
            findings.add(&codes::IGNORED_OPTION, cut, message, help);
        }
        let requests: &mut Vec<RecordedRequest> = requests.get_or_insert_default();
        requests.extend(found);
        requests.truncate(crate::limits::MAX_PASTED_REQUESTS);
    }
    requests
}

/// Returns the program of a command, and its words from the program on: behind variables that are set for it,
/// keywords, and programs that run others.
fn of_program(command: &SimpleCommand) -> Option<(Program, &[Word])> {
    let mut words = command.words.as_slice();
    while let Some((first, rest)) = words.split_first() {
        match program(&first.text) {
            Program::Other => {}
            known => return Some((known, words)),
        }
        let is_assignment = first.text.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        words = match runner::runs(&name(&first.text), words) {
            Some(Runs::Command(command)) => command,
            Some(Runs::Image(name, words)) => return Some((program(name), words)),
            Some(Runs::Script(script)) => return Some((Program::Remote, script)),
            None if is_assignment => rest,
            // An option of a program in front that is not known to take a value, or its number.
            None if words.len() < command.words.len() && is_left_over(&first.text) => rest,
            None => return None,
        };
    }
    None
}

/// Returns true for what may be left of the arguments in front of a command: an option, a number, a duration.
fn is_left_over(word: &str) -> bool {
    word.starts_with(['-', '/']) || word.trim_end_matches(['s', 'm', 'h']).parse::<f64>().is_ok()
}

/// The last part of a program's path, in lower case and without `.exe`.
fn name(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").map_or(name.clone(), str::to_owned)
}

fn name_of(words: &[Word]) -> String {
    words.first().map(|word| name(&word.text)).unwrap_or_default()
}

fn program(word: &str) -> Program {
    match name(word).as_str() {
        "curl" => Program::Curl,
        "wget" => Program::Wget,
        "sh" | "bash" | "dash" | "zsh" | "ash" | "ksh" | "cmd" => Program::Shell,
        "powershell" | "pwsh" => Program::PowerShell,
        "python" | "python2" | "python3" | "py" => Program::Python,
        "node" | "nodejs" | "bun" | "deno" => Program::Node,
        "php" => Program::Php,
        other if httpie::is_program(other) => Program::HttPie,
        other if download::is_program(other) => Program::Download,
        _ => Program::Other,
    }
}

/// The script in the arguments of a shell: behind `-c`, of `cmd` behind `/c`, of PowerShell perhaps behind
/// nothing.
fn script(words: &[Word]) -> Option<Word> {
    let (shell, arguments) = words.split_first()?;
    let program = program(&shell.text);
    let is_flag = |word: &Word| {
        let flag = word.text.to_ascii_lowercase();
        match program {
            Program::PowerShell => {
                "-command".starts_with(&flag) && flag.len() > 1 || is_encoded_command(word)
            }
            Program::Node => matches!(flag.as_str(), "-e" | "--eval" | "-p" | "--print" | "eval"),
            Program::Php => flag == "-r",
            _ if name(&shell.text) == "cmd" => matches!(flag.as_str(), "/c" | "/k"),
            _ => flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c'),
        }
    };
    let at = arguments.iter().position(is_flag);
    let behind = match at {
        Some(at) => arguments.get(at + 1..)?,
        None if program == Program::PowerShell => arguments,
        None => return None,
    };
    let first = behind.first()?;
    let flag = at.and_then(|at| arguments.get(at));
    if program == Program::PowerShell && flag.is_some_and(is_encoded_command) {
        return Some(Word { text: decoded(&first.text)?, ..first.clone() });
    }
    // The commands within are commands of the line already.
    if first.expands && first.text.trim_start().starts_with(['$', '`']) {
        return None;
    }
    let takes_all = program == Program::PowerShell || name(&shell.text) == "cmd";
    if takes_all { joined(behind) } else { Some(first.clone()) }
}

/// Returns true for PowerShell's `-EncodedCommand`, which may be shortened to `-e` (`about_PowerShell_exe`).
fn is_encoded_command(word: &Word) -> bool {
    let flag = word.text.to_ascii_lowercase();
    "-encodedcommand".starts_with(&flag) && flag.len() > 1 || flag == "-ec"
}

/// Returns a script that was encoded for `-EncodedCommand`: UTF-16, little endian, in Base64.
fn decoded(text: &str) -> Option<String> {
    let padding = DecodePaddingMode::Indifferent;
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
    let bytes = GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok()?;
    let units = bytes.as_chunks().0.iter().copied().map(u16::from_le_bytes);
    String::from_utf16(&units.collect::<Vec<_>>()).ok()
}

/// The words as one, at the place of the first.
fn joined(words: &[Word]) -> Option<Word> {
    let first = words.first()?;
    let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
    Some(Word { text: texts.join(" "), ..first.clone() })
}

/// Returns a line without the prompt of a shell.
pub(crate) fn without_prompt(text: &str) -> &str {
    let line = text.trim_start();
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is_sign = matches!(first, "$" | "#" | "%" | ">" | "PS>" | "❯" | "➜");
    let is_place = first.len() > 1
        && first.ends_with(['$', '#', '%', '>'])
        && first.contains(['@', ':', '~', '\\'])
        && !first.contains("://");
    if is_sign || is_place {
        return rest.trim_start();
    }
    // `PS C:\Users\a b>` has blanks.
    if first == "PS"
        && let Some((place, rest)) = rest.split_once('>')
        && place.contains(':')
        && !place.contains('\n')
    {
        return rest.trim_start();
    }
    // `C:\>curl` has none behind.
    match line.split_once('>') {
        Some((place, rest))
            if place.get(1..3) == Some(":\\") && !place.contains([' ', '"', '\n']) =>
        {
            rest.trim_start()
        }
        _ => line,
    }
}

/// A finding about a program whose command has no URL.
pub(crate) fn no_url(program: &str, words: &[Word], findings: &mut Findings) {
    let place = words.first().map_or(Span::point(1, 1), |word| word.span);
    let message = format!("the {program} command has no URL");
    let help = "write the URL behind the options";
    findings.add(&codes::BROKEN_CURL, place, message, help);
}
