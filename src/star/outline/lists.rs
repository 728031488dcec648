//! Lists: `_label value` lines (`docs/format.md`, rule 14).

use super::{Code, Item, Keyword, Kind, Label, Line, List, Outliner, Part, Span, Step, Text, kind, quote, word_count};
use crate::star::lex::{Form, Words};
use crate::star::rows::note_word;

/// What a label without a name is called, where faults are collected (rule 8).
const NAMELESS: &[u8] = b"_";

impl<T: Text> Outliner<'_, '_, T> {
    /// Reads the list that begins at `first`; gives where it ends.
    pub(super) fn list_part(&mut self, first: &Line) -> Step<u64> {
        self.ensure_block(first);
        let current = self.found.blocks.len().saturating_sub(1);
        if let Some(sought) = self.sought.last_mut().filter(|sought| sought.block == current) {
            sought.list.get_or_insert(first.start);
        }
        let mut list = List { start: first.start, end: first.start, items: Vec::new() };
        self.at = first.start;
        while let Some(line) = self.line(self.at)? {
            let kind = kind(&line.text);
            if !matches!(kind, Kind::Keyword(Keyword::Data | Keyword::Loop | Keyword::Unsupported)) {
                self.returns(&line, false);
            }
            self.at = match kind {
                Kind::Keyword(Keyword::Label) => {
                    let next = self.item(&line, &mut list)?;
                    list.end = next;
                    next
                }
                Kind::Blank => line.next,
                Kind::Comment | Kind::Semicolon | Kind::Indented => {
                    self.comment(&line);
                    line.next
                }
                Kind::Other if self.is_header_within(&line)? => {
                    self.recycle(line);
                    break;
                }
                Kind::Other => {
                    self.fault_at(&line, Code::JunkLine, "a label, a keyword or a comment in a list")?;
                    line.next
                }
                Kind::Keyword(_) => {
                    self.recycle(line);
                    break;
                }
            };
            self.recycle(line);
        }
        let end = self.at;
        if !list.items.is_empty() {
            self.push_part(Part::List(list));
        }
        Ok(end)
    }

    /// Reads one label and its value; gives where the next line begins.
    fn item(&mut self, line: &Line, list: &mut List) -> Step<u64> {
        let mut words = Words::new(&line.text);
        let Some(Ok(name)) = words.next() else { return Ok(line.next) };
        let label = self.label(name.of(&line.text), line.start + name.start as u64, list.start)?;
        if self.seek(line) {
            self.event(Code::KeywordInValue, line.start);
        }
        let (value, next) = match words.next() {
            Some(Ok(word)) => {
                let start = line.start + word.start as u64;
                let end = word.end + usize::from(word.form != Form::Bare);
                let is_joint = |at: usize| line.text.get(at) == Some(&b'\r') && at + 1 < line.text.len();
                if is_joint(name.end) || is_joint(end) {
                    self.event(Code::LoneCr, line.start);
                }
                note_word(&word, word.of(&line.text), start, false, self.events());
                if words.next().is_some() {
                    self.event(Code::ExtraWords, start);
                }
                (Some(Span { start, end: line.start + word.end as u64, form: word.form }), line.next)
            }
            Some(Err(open)) => {
                let at = line.start + open.0 as u64;
                let rest = quote(line.text.get(open.0..).unwrap_or_default());
                let expected = "a closing quote before the end of the line".to_owned();
                self.fault(Code::UnclosedQuote, at, Some(&label.name), expected, rest)?;
                return Ok(line.next);
            }
            None if words.comment().is_some() => (None, line.next),
            None => self.value_below(line.next)?,
        };
        match value {
            Some(value) => list.items.push(Item { label, value }),
            None => {
                let expected = "a value after the label (or a loop_ line before the labels)".to_owned();
                let at = line.start + name.end as u64;
                self.fault(Code::ValueMissing, at, Some(&label.name), expected, "the end of the line".into())?;
            }
        }
        Ok(next)
    }

    /// The value on the lines below its label: a text field, or one word alone on its line.
    fn value_below(&mut self, at: u64) -> Step<(Option<Span>, u64)> {
        let Some(line) = self.line(at)? else { return Ok((None, at)) };
        let found = kind(&line.text);
        let alone = matches!(found, Kind::Other | Kind::Indented) && word_count(&line.text) == Ok(1);
        let word = alone.then(|| Words::new(&line.text).next()).flatten().and_then(Result::ok);
        let (start, next) = (line.start, line.next);
        self.recycle(line);
        if found == Kind::Semicolon
            && let Some((value, after)) = self.text_field(start)?
        {
            self.event(Code::TextField, start);
            let next = self.line_end(after)?;
            return Ok((Some(value), next));
        }
        Ok(match word {
            Some(word) => {
                let value = Span { start: start + word.start as u64, end: start + word.end as u64, form: word.form };
                self.event(Code::ValueOnNextLine, start);
                (Some(value), next)
            }
            None => (None, at),
        })
    }

    /// Where the line after `at` begins.
    fn line_end(&mut self, at: u64) -> Step<u64> {
        let Some(line) = self.line(at)? else { return Ok(at) };
        if word_count(&line.text) != Ok(0) {
            self.event(Code::ExtraWords, line.start);
        }
        let next = line.next;
        self.recycle(line);
        Ok(next)
    }

    /// The label a word names; what is glued to it from `#` on is cut off, and without a name it is [`NAMELESS`].
    pub(super) fn label(&mut self, word: &[u8], at: u64, part_start: u64) -> Step<Label> {
        let mut name = word.strip_prefix(b"_").unwrap_or(word);
        if let Some(hash) = memchr::memchr(b'#', name) {
            name = name.get(..hash).unwrap_or_default();
            self.event(Code::NumberGlued, at);
        }
        if name.is_empty() {
            self.fault(Code::EmptyLabel, at, None, "a label's name after the underscore".into(), quote(word))?;
            name = NAMELESS;
        }
        if std::str::from_utf8(name).is_err() {
            self.event(Code::InvalidUtf8, at);
        }
        let mut text = String::from_utf8_lossy(name);
        if text.contains('\0') {
            // Arrow's names end at a NUL.
            self.event(Code::NulByte, at);
            text = text.replace('\0', "\u{fffd}").into();
        }
        Ok(Label { name: text.into(), at: at - part_start })
    }
}
