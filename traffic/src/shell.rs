//! Command lines, split into simple commands as the shell that they were written for does.
//!
//! No crate for shell words reads bash's `$'...'`, cmd's carets or operators. Nothing is expanded: a word
//! that contains a variable or a command's output is marked, and the commands within are commands too.

mod cmd;
mod posix;

use diagnostics::Span;

/// A word and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub span: Span,
    /// Whether it contains a variable or the output of a command, as they are written.
    pub expands: bool,
}

/// A simple command: a program and its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SimpleCommand {
    pub words: Vec<Word>,
    /// The place of a `&` without blanks around it that ends the command, as in a URL without quotes.
    pub cut: Option<Span>,
}

/// The place of a quote that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnclosedQuote(pub Span);

/// Splits a command line into its commands, in the order in which they run; those within a word run first.
pub(crate) fn commands(text: &str) -> Result<Vec<SimpleCommand>, UnclosedQuote> {
    if is_cmd(text) { cmd::commands(text) } else { posix::commands(text) }
}

/// Returns true if a command line is written for `cmd.exe`: by its carets, or by the drive or the variable with
/// which the path of its program begins, since all else is alike.
pub(crate) fn is_cmd(text: &str) -> bool {
    let goes_on = |line: &str| line.trim_end_matches('\r').ends_with('^');
    let begins = text.trim_start().trim_start_matches('"').as_bytes();
    let has_path = matches!(begins, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
        || begins.starts_with(b"%");
    has_path || text.contains("^\"") || text.contains("^&") || text.lines().any(goes_on)
}

/// Returns true if a command goes on behind its first `len` bytes: a quote is open, or the line ends with
/// what continues it.
pub(crate) fn goes_on(text: &str) -> bool {
    let line = text.trim_end_matches(['\n', '\r']);
    line.ends_with(['\\', '^', '`', '|']) || line.ends_with("&&") || posix::commands(line).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<Vec<String>> {
        let commands = commands(text).unwrap().into_iter();
        let words = |command: SimpleCommand| command.words.into_iter().map(|word| word.text);
        commands.map(|command| words(command).collect()).collect()
    }

    #[test]
    fn command_lines_are_split_as_a_shell_does() {
        for (text, expect) in [
            ("", &[][..]),
            ("  curl  a ", &[&["curl", "a"][..]]),
            ("a'b c'd", &[&["ab cd"]]),
            (r#""a \"b\" \c" ''"#, &[&[r#"a "b" \c"#, ""]]),
            ("a\\ b \\\n c", &[&["a b", "c"]]),
            (r"$'a\'b\u0021\x41\102\n' '$'", &[&["a'b!AB\n", "$"]]),
            ("a\nb", &[&["a"], &["b"]]),
            ("a | b || c && d; e & f", &[&["a"], &["b"], &["c"], &["d"], &["e"], &["f"]]),
            ("a;b|c&&d", &[&["a"], &["b"], &["c"], &["d"]]),
            ("a 2>/dev/null >>x &>y <z 2>&1 b", &[&["a", "b"]]),
            ("a > 'x y' b2>c", &[&["a", "b2"]]),
            ("a <<EOF\nb c\nEOF\nd", &[&["a"], &["d"]]),
            ("a <<< 'b c' d", &[&["a", "d"]]),
            ("a # b\nc#d", &[&["a"], &["c#d"]]),
            ("(a; b)", &[&["a"], &["b"]]),
            (
                "a \"$(b 'c d')\" `e f`",
                &[&["b", "c d"], &["e", "f"], &["a", "$(b 'c d')", "`e f`"]],
            ),
            ("bash <(curl x)", &[&["curl", "x"], &["bash", "<(curl x)"]]),
            ("a \"$b\" ${c} $((1+2))", &[&["a", "$b", "${c}", "$((1+2))"]]),
        ] {
            assert_eq!(split(text), expect, "{text}");
        }
    }

    #[test]
    fn carets_are_read_as_cmd_and_browsers_write_them() {
        for (text, expect) in [
            (
                "curl ^\"a^&b^\" ^\r\n  -H ^\"c: ^\\^\"d^\\^\"^\"",
                &[&["curl", "a&b", "-H", "c: \"d\""][..]][..],
            ),
            (
                "curl \"a^&b\" -d \"^{^\\^\"c^\\^\"^}\" --compressed",
                &[&["curl", "a&b", "-d", "{\"c\"}", "--compressed"]],
            ),
            ("curl ^\"a^%^2Fb^\" & start x > y", &[&["curl", "a%2Fb"], &["start", "x"]]),
            ("C:\\x\\curl.exe d\\e", &[&["C:\\x\\curl.exe", "d\\e"]]),
            ("curl \"a^b\" ^\n -A \"c\\\\\" d\\e", &[&["curl", "a^b", "-A", "c\\", "d\\e"]]),
        ] {
            assert_eq!(split(text), expect, "{text}");
        }
    }

    #[test]
    fn variables_are_marked() {
        let marked = commands("a '$b' \"$c\" $d $'e' \"f$\" $(g)").unwrap();
        let marked: Vec<_> = marked.last().unwrap().words.iter().map(|word| word.expands).collect();
        assert_eq!(marked, [false, false, true, true, false, false, true]);
    }

    #[test]
    fn open_quotes_are_told_with_their_place() {
        for (text, column) in [("a 'b", 3), ("\"b\\\"", 1), ("$'x\\", 1), ("a \"$(b 'c)\"", 8)] {
            assert_eq!(commands(text), Err(UnclosedQuote(Span::point(1, column))), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for text in ["$(".repeat(10_000), "`$(\"".repeat(1000), "(".repeat(10_000)] {
            let _ = commands(&text);
        }
    }
}
