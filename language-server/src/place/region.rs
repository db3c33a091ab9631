//! Which parts of a file are YAML: all of a Sigma file; front matter and `sigma` blocks of a note.

/// The kind of YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// A Sigma rule, correlation or filter.
    Sigma,
    /// The front matter of a note.
    FrontMatter,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) language: Language,
    /// The index of its first line.
    pub(super) first: usize,
}

/// Returns true for the name of a note.
pub(crate) fn is_note(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("md" | "markdown"))
}

/// Finds the region of a line; `None` for text that is not YAML. Blocks that are not closed yet reach to the
/// end, as one types them.
pub(super) fn of(name: &str, lines: &[(usize, &str)], idx: usize) -> Option<Region> {
    if !is_note(name) {
        return Some(Region { language: Language::Sigma, first: 0 });
    }
    let mut texts = lines.iter().map(|(_, line)| *line).enumerate().take(idx + 1).peekable();
    if texts.next_if(|(_, line)| line.trim_end() == "---").is_some() {
        let mut is_closed = false;
        for (_, line) in texts.by_ref() {
            if line.trim_end() == "---" {
                is_closed = true;
                break;
            }
        }
        if !is_closed {
            let is_inside = idx > 0;
            return is_inside.then_some(Region { language: Language::FrontMatter, first: 1 });
        }
    }
    let mut open: Option<(usize, char, bool, usize)> = None;
    for (at, line) in texts {
        let text = line.trim_start();
        let fence = text.chars().next().filter(|first| matches!(first, '`' | '~'));
        let n_fence = text.chars().take_while(|c| Some(*c) == fence).count();
        match open {
            Some((width, mark, ..)) if n_fence >= width && fence == Some(mark) => open = None,
            None if n_fence >= 3 => {
                let info = text.get(n_fence..).unwrap_or_default();
                let is_sigma = info.split_whitespace().next() == Some("sigma");
                // The opening fence itself is not YAML.
                if at == idx {
                    return None;
                }
                open = fence.map(|mark| (n_fence, mark, is_sigma, at + 1));
            }
            _ => {}
        }
    }
    let (_, _, is_sigma, first) = open?;
    is_sigma.then_some(Region { language: Language::Sigma, first })
}
