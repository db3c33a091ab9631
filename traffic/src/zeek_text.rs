//! Zeek's logs in their default form: values separated by tabs, under a header that names the columns.

use serde_json::Value;

/// The header of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    separator: String,
    set_separator: String,
    empty: String,
    unset: String,
    /// `http`, `ssl`, `dns`.
    pub(crate) path: String,
    /// Name and type of each.
    list: Vec<(String, String)>,
}

impl Columns {
    /// Reads the header at the start of a log; `None` where there is none or it names no columns.
    pub(crate) fn read(start: &str) -> Option<Columns> {
        let mut columns = Columns {
            separator: "\t".to_owned(),
            set_separator: ",".to_owned(),
            empty: "(empty)".to_owned(),
            unset: "-".to_owned(),
            path: String::new(),
            list: Vec::new(),
        };
        let mut names: Vec<String> = Vec::new();
        let mut types: Vec<String> = Vec::new();
        let lines = start.lines().map(|line| line.trim_end_matches('\r'));
        for line in lines.skip_while(|line| line.is_empty()) {
            let Some(line) = line.strip_prefix('#') else { break };
            if let Some(separator) = line.strip_prefix("separator ") {
                columns.separator = unescape(separator);
                continue;
            }
            let Some((key, rest)) = line.split_once(columns.separator.as_str()) else { continue };
            let list = || rest.split(columns.separator.as_str()).map(str::to_owned).collect();
            match key {
                "set_separator" => columns.set_separator = unescape(rest),
                "empty_field" => rest.clone_into(&mut columns.empty),
                "unset_field" => rest.clone_into(&mut columns.unset),
                "path" => rest.clone_into(&mut columns.path),
                "fields" => names = list(),
                "types" => types = list(),
                _ => {}
            }
        }
        types.resize(names.len(), String::new());
        columns.list = names.into_iter().zip(types).collect();
        (!columns.list.is_empty()).then_some(columns)
    }

    /// Returns true if a line has a value for each column.
    pub(crate) fn is_row(&self, line: &str) -> bool {
        line.split(self.separator.as_str()).count() == self.list.len()
    }

    /// Writes a line as Zeek writes it in JSON, so that one reader reads both.
    pub(crate) fn to_json(&self, line: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 * line.len());
        out.push(b'{');
        for ((name, kind), text) in self.list.iter().zip(line.split(self.separator.as_str())) {
            if text == self.unset {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            write_text(name, &mut out);
            out.push(b':');
            if kind.starts_with("set[") || kind.starts_with("vector[") {
                let parts = text.split(self.set_separator.as_str());
                let parts = parts.filter(|part| *part != self.empty);
                out.push(b'[');
                for (idx, part) in parts.enumerate() {
                    if idx > 0 {
                        out.push(b',');
                    }
                    write_text(&unescape(part), &mut out);
                }
                out.push(b']');
            } else if text == self.empty {
                out.extend_from_slice(b"\"\"");
            } else {
                write_text(&unescape(text), &mut out);
            }
        }
        out.push(b'}');
        out
    }
}

/// Writes a text of JSON; most have nothing to escape.
fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(Value::from(text).to_string().as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Resolves `\x09`, as Zeek writes bytes that are not printable or separate values.
fn unescape(text: &str) -> String {
    if !text.contains("\\x") {
        return text.to_owned();
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let byte = behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, behind.get(2..)) {
            (Some(byte), Some(behind)) => {
                bytes.push(byte);
                rest = behind;
            }
            _ => {
                bytes.extend_from_slice(b"\\x");
                rest = behind;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_those_of_zeek_in_json() {
        let log = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n#fields\tts\tid.orig_h\thost\turi\ttags\treferrer\tuser_agent\n#types\ttime\taddr\tstring\tstring\tset[enum]\tstring\tstring\n";
        let columns = Columns::read(log).unwrap();
        assert_eq!(columns.path, "http");
        let line = "1.5\t10.0.0.1\ta.example\t/x\\x09\"y\ta,b\t-\t(empty)";
        let json = String::from_utf8(columns.to_json(line)).unwrap();
        assert_eq!(
            json,
            r#"{"ts":"1.5","id.orig_h":"10.0.0.1","host":"a.example","uri":"/x\t\"y","tags":["a","b"],"user_agent":""}"#
        );
        assert!(columns.is_row(line) && !columns.is_row("1.5\t10.0.0.1"));
        assert_eq!(Columns::read("#separator \\x09\n"), None);
        assert_eq!(Columns::read("a\tb\n"), None);
    }
}
