//! A place in a query, for the languages whose words depend on their place: KQL and Splunk's search.

use super::QueryError;

/// What is left of a text.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    /// The start of a text, behind its white space.
    pub(super) fn new(text: &'t str) -> Cursor<'t> {
        let mut cursor = Cursor { text, at: 0 };
        cursor.skip(0);
        cursor
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn fail<T>(&self, message: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError { message: message.into(), offset: self.at })
    }

    /// Goes on behind so many bytes and the white space that follows.
    pub(super) fn skip(&mut self, n_bytes: usize) {
        self.advance(n_bytes);
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Goes on behind so many bytes, and stays there.
    pub(super) fn advance(&mut self, n_bytes: usize) {
        self.at = (self.at + n_bytes).min(self.text.len());
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.skip(sign.len());
        }
        found
    }

    /// Returns true if a word is here, in any case, followed by white space or one of `ends`.
    pub(super) fn is_word(&self, word: &str, ends: &[char]) -> bool {
        let start = self.rest().get(..word.len());
        let end = self.rest().get(word.len()..).and_then(|rest| rest.chars().next());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
            && end.is_none_or(|end| end.is_whitespace() || ends.contains(&end))
    }

    pub(super) fn eat_word(&mut self, word: &str, ends: &[char]) -> bool {
        let found = self.is_word(word, ends);
        if found {
            self.skip(word.len());
        }
        found
    }
}
