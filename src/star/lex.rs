//! Words of one line: blanks, quotes with STAR's closing rule, and comments (`docs/format.md`, rules 3 to 5).

/// The character RELION puts before a quote that does not end a quoted value.
pub const BELL: u8 = 0x07;

/// Space, tab and CR separate words; the line feed ends the line (rule 3).
#[inline]
#[must_use]
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// A control character that is no separator; it stays in the value it stands in (rule 3).
#[inline]
#[must_use]
pub fn is_control(byte: u8) -> bool {
    byte < b' ' && !is_blank(byte) && byte != b'\n'
}

/// How a value was written, which says how its text is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Bare,
    Quoted,
    /// Quoted, with BEL characters before quotes, which are not part of the value.
    Escaped,
    /// Between two lines that begin with a semicolon.
    TextField,
}

/// One value or keyword; offsets are within the text that was given, without the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub start: usize,
    pub end: usize,
    pub form: Form,
}

impl Word {
    #[must_use]
    pub fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// A quote that does not close on its line, at this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclosed(pub usize);

/// The words of one line, up to a comment or the line's end.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    line: &'a [u8],
    at: usize,
    comment: Option<usize>,
}

impl<'a> Words<'a> {
    #[must_use]
    pub fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0, comment: None }
    }

    /// Where the comment begins, once all words before it were taken.
    #[must_use]
    pub fn comment(&self) -> Option<usize> {
        self.comment
    }

    fn peek(&self, at: usize) -> Option<u8> {
        self.line.get(at).copied()
    }

    fn bare(&mut self) -> Word {
        let start = self.at;
        let length = self.line.get(start..).unwrap_or_default().iter().position(|&byte| is_blank(byte));
        let end = length.map_or(self.line.len(), |length| start + length);
        self.at = end;
        Word { start, end, form: Form::Bare }
    }

    /// A quoted value ends at its own quote when a blank or the line's end follows (rule 4).
    fn quoted(&mut self, quote: u8) -> Result<Word, Unclosed> {
        let start = self.at + 1;
        let mut at = start;
        let mut form = Form::Quoted;
        while let Some(byte) = self.peek(at) {
            if byte == BELL && self.peek(at + 1) == Some(quote) {
                form = Form::Escaped;
                at += 2;
                continue;
            }
            if byte == quote && self.peek(at + 1).is_none_or(is_blank) {
                self.at = at + 1;
                return Ok(Word { start, end: at, form });
            }
            at += 1;
        }
        let open = self.at;
        self.at = self.line.len();
        Err(Unclosed(open))
    }
}

impl Iterator for Words<'_> {
    type Item = Result<Word, Unclosed>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.peek(self.at).is_some_and(is_blank) {
            self.at += 1;
        }
        match self.peek(self.at)? {
            b'#' => {
                self.comment.get_or_insert(self.at);
                None
            }
            quote @ (b'"' | b'\'') => Some(self.quoted(quote)),
            _ => Some(Ok(self.bare())),
        }
    }
}

/// What the first word of a line makes of the line, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyword {
    /// `data_NAME`
    Data,
    /// `loop_`
    Loop,
    /// `_label`
    Label,
    /// `save_`, `stop_` or `global_`, which STAR has and RELION's dialect has not.
    Unsupported,
}

/// The keyword a bare word begins with, in any case of letters (rule 2).
#[must_use]
pub fn keyword(word: &[u8]) -> Option<Keyword> {
    let begins = |with: &[u8]| word.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    match word.first()? {
        b'_' => Some(Keyword::Label),
        b'd' | b'D' if begins(b"data_") => Some(Keyword::Data),
        b'l' | b'L' if word.eq_ignore_ascii_case(b"loop_") => Some(Keyword::Loop),
        b's' | b'S' if begins(b"save_") || word.eq_ignore_ascii_case(b"stop_") => Some(Keyword::Unsupported),
        b'g' | b'G' if word.eq_ignore_ascii_case(b"global_") => Some(Keyword::Unsupported),
        _ => None,
    }
}

/// The text without blanks at either end.
#[must_use]
pub fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

/// A quoted value's text without the BEL characters that stand before quotes.
#[must_use]
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if !(byte == BELL && matches!(bytes.peek(), Some(b'"' | b'\''))) {
            out.push(byte);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        Words::new(line.as_bytes())
            .map(|word| {
                word.map_or_else(|_| "<open>".into(), |w| String::from_utf8_lossy(w.of(line.as_bytes())).into())
            })
            .collect()
    }

    #[test]
    fn quotes_close_before_blanks_only() {
        assert_eq!(words("'it's mine' 4"), ["it's mine", "4"]);
        assert_eq!(words(r#""a"b c" 1"#), [r#"a"b c"#, "1"]);
        assert_eq!(words(r#""" ''"#), ["", ""]);
        assert_eq!(words("isn't 3"), ["isn't", "3"]);
        assert_eq!(words(r#""open 1 2"#), ["<open>"]);
        assert_eq!(words("\"a\x07\" b\" 1"), ["a\x07\" b", "1"]);
    }

    #[test]
    fn comments_begin_at_a_words_start() {
        assert_eq!(words("a#b 1 # 2"), ["a#b", "1"]);
        assert_eq!(words("  # all"), Vec::<String>::new());
        assert_eq!(words("\"# x\" 1\r"), ["# x", "1"]);
    }

    #[test]
    fn keywords_in_any_case() {
        assert_eq!(keyword(b"DATA_x"), Some(Keyword::Data));
        assert_eq!(keyword(b"loop_"), Some(Keyword::Loop));
        assert_eq!(keyword(b"loop_x"), None);
        assert_eq!(keyword(b"mydata_"), None);
        assert_eq!(keyword(b"_"), Some(Keyword::Label));
    }
}
