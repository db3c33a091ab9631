//! Where the fenced blocks of a Markdown text are.

/// Fenced blocks, line by line.
#[derive(Default)]
pub(crate) struct Fences {
    /// The marks of the open block.
    open: Option<String>,
    /// The words behind the marks of the block that began last.
    pub(crate) info: String,
    /// Whether the line that was read last is one of a block, its marks among them.
    pub(crate) is_within: bool,
}

impl Fences {
    /// Reads a line; returns true if a block begins with it.
    pub(crate) fn read(&mut self, line: &str) -> bool {
        let trimmed = line.trim();
        let first = trimmed.chars().next().filter(|c| matches!(c, '`' | '~'));
        let marks: String = trimmed.chars().take_while(|c| Some(*c) == first).collect();
        let info = trimmed.get(marks.len()..).unwrap_or_default().trim();
        self.is_within = self.open.is_some() || marks.len() >= 3;
        match &self.open {
            Some(open) if marks.starts_with(open.as_str()) && info.is_empty() => self.open = None,
            None if marks.len() >= 3 => {
                self.info = info.split_whitespace().collect::<Vec<_>>().join(" ");
                self.open = Some(marks);
                return true;
            }
            _ => {}
        }
        false
    }
}
