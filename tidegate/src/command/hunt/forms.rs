//! The options for formats and files, also as they were before version 0.3: `--format` named the format of the
//! logs, and `--output` that of the matches. The old forms work for one release, with a note.

use std::path::{Path, PathBuf};

use traffic::Format;

/// How matches are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    Json,
    Csv,
    Table,
}

impl Records {
    fn from_name(name: &str) -> Option<Records> {
        match name {
            "json" => Some(Records::Json),
            "csv" => Some(Records::Csv),
            "table" => Some(Records::Table),
            _ => None,
        }
    }
}

/// The value of `--format`: `json` and `csv` are formats of matches and of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenFormat {
    Json,
    Csv,
    Table,
    /// The old form.
    Logs(Format),
}

/// Reads the value of `--format`.
pub(super) fn format(text: &str) -> Result<GivenFormat, &'static str> {
    let known = Format::ALL.iter().find(|(name, _)| *name == text);
    match (text, known) {
        ("json", _) => Ok(GivenFormat::Json),
        ("csv", _) => Ok(GivenFormat::Csv),
        ("table", _) => Ok(GivenFormat::Table),
        (_, Some((_, format))) => Ok(GivenFormat::Logs(*format)),
        (_, None) => Err("the formats are json, csv and table"),
    }
}

/// What the options mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Forms {
    pub(super) logs: Option<Format>,
    pub(super) records: Option<Records>,
    pub(super) file: Option<PathBuf>,
    /// Lines about old forms, for standard error.
    pub(super) notes: String,
}

impl Forms {
    /// Reads `--input-format`, `--format` and `--output`.
    pub(super) fn of(
        input_format: Option<Format>,
        format: Option<GivenFormat>,
        output: Option<&Path>,
    ) -> Forms {
        let mut forms = Forms { logs: input_format, ..Forms::default() };
        let old = output.and_then(Path::to_str).and_then(Records::from_name);
        if let (Some(records), Some(path)) = (old, output) {
            forms.records = Some(records);
            let name = path.display();
            forms.note(&format!(
                "`--output {name}` names a file from the next release on: write `--format {name}`"
            ));
        } else {
            forms.file = output.map(Path::to_owned);
        }
        // Beside an old `--output` a `--format` is an old one, too.
        let old_format = match format {
            Some(GivenFormat::Logs(format)) => Some(format),
            Some(GivenFormat::Json) if old.is_some() => Some(Format::Json),
            Some(GivenFormat::Csv) if old.is_some() => Some(Format::Csv),
            _ => None,
        };
        match (old_format, format) {
            (Some(logs), _) => {
                forms.logs = forms.logs.or(Some(logs));
                let name = logs.as_str();
                forms.note(&format!(
                    "`--format` names how matches are printed: write `--input-format {name}`"
                ));
            }
            (None, Some(GivenFormat::Json)) => forms.print_as(Records::Json, "json"),
            (None, Some(GivenFormat::Csv)) => forms.print_as(Records::Csv, "csv"),
            (None, Some(GivenFormat::Table)) => forms.records = Some(Records::Table),
            (None, Some(GivenFormat::Logs(_)) | None) => {}
        }
        forms
    }

    /// Takes a name that was one of a format of logs, too: whoever meant that has to know.
    fn print_as(&mut self, records: Records, name: &str) {
        self.records = Some(records);
        if self.logs.is_none() {
            self.note(&format!(
                "matches are printed as {name}; the format of logs is `--input-format {name}`"
            ));
        }
    }

    fn note(&mut self, text: &str) {
        self.notes += &format!("note: {text}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_forms_mean_what_they_meant_and_are_noted() {
        let of = |given: Option<&str>, output: Option<&str>| {
            Forms::of(None, given.map(|text| format(text).unwrap()), output.map(Path::new))
        };
        for (given, output, logs, records, file, n_notes) in [
            (None, None, None, None, None, 0),
            (Some("csv"), None, None, Some(Records::Csv), None, 1),
            (Some("json"), Some("a.jsonl"), None, Some(Records::Json), Some("a.jsonl"), 1),
            (Some("table"), Some("./csv"), None, Some(Records::Table), Some("./csv"), 0),
            (None, Some("csv"), None, Some(Records::Csv), None, 1),
            (Some("squid"), None, Some(Format::Squid), None, None, 1),
            (Some("squid"), Some("table"), Some(Format::Squid), Some(Records::Table), None, 2),
            (Some("csv"), Some("json"), Some(Format::Csv), Some(Records::Json), None, 2),
        ] {
            let seen = of(given, output);
            let file = file.map(PathBuf::from);
            assert_eq!((seen.logs, seen.records, seen.file), (logs, records, file), "{given:?}");
            assert_eq!(seen.notes.lines().count(), n_notes, "{given:?} {output:?}");
        }
        let both = Forms::of(Some(Format::Csv), Some(GivenFormat::Csv), None);
        assert_eq!(
            (both.logs, both.records, both.notes.as_str()),
            (Some(Format::Csv), Some(Records::Csv), "")
        );
        assert!(format("xml").is_err());
    }
}
