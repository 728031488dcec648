//! Lists: `_label value` lines (`docs/format.md`, rule 14).

use super::{Code, Item, Keyword, Kind, Label, Line, List, Outliner, Part, Span, Step, Text, kind, quote, word_count};
use crate::star::lex::{self, Words};
use crate::star::rows::note_word;

impl<T: Text> Outliner<'_, '_, T> {
    /// Reads the list that begins at `first`; gives where it ends.
    pub(super) fn list_part(&mut self, first: &Line) -> Step<u64> {
        self.ensure_block(first);
        if first.text.first().is_some_and(|&byte| lex::is_blank(byte)) && self.awaits_content() {
            self.event(Code::IndentedList, first.start);
        }
        let mut list = List { start: first.start, end: first.start, items: Vec::new() };
        self.at = first.start;
        while let Some(line) = self.line(self.at)? {
            self.at = match kind(&line.text) {
                Kind::Keyword(Keyword::Label) => {
                    let next = self.item(&line, &mut list)?;
                    list.end = next;
                    next
                }
                Kind::Blank => line.next,
                Kind::Comment => {
                    self.comment(&line, false);
                    line.next
                }
                Kind::Semicolon => {
                    self.event(Code::SemicolonComment, line.start);
                    line.next
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
        if self.awaits_content() && list.items.is_empty() && memchr::memmem::find(&line.text, b"loop_").is_some() {
            self.event(Code::KeywordInValue, line.start);
        }
        self.carriage_return(line);
        let (value, next) = match words.next() {
            Some(Ok(word)) => {
                let start = line.start + word.start as u64;
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
                self.fault(Code::UnclosedQuote, at, label.as_ref().map(|l| &*l.name), expected, rest)?;
                return Ok(line.next);
            }
            None if words.comment().is_some() => (None, line.next),
            None => self.value_below(line.next)?,
        };
        match (label, value) {
            (Some(label), Some(value)) => list.items.push(Item { label, value }),
            (Some(label), None) => {
                let expected = "a value after the label (or a loop_ line before the labels)".to_owned();
                let at = line.start + name.end as u64;
                self.fault(Code::ValueMissing, at, Some(&label.name), expected, "the end of the line".into())?;
            }
            (None, _) => {}
        }
        Ok(next)
    }

    /// The value on the lines below its label: a text field, or one word alone on its line.
    fn value_below(&mut self, at: u64) -> Step<(Option<Span>, u64)> {
        let Some(line) = self.line(at)? else { return Ok((None, at)) };
        let found = kind(&line.text);
        let alone = found == Kind::Other && word_count(&line.text) == Ok(1);
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

    /// The label a word names; a column number glued to it is cut off.
    pub(super) fn label(&mut self, word: &[u8], at: u64, part_start: u64) -> Step<Option<Label>> {
        let mut name = word.strip_prefix(b"_").unwrap_or(word);
        if let Some(hash) = memchr::memrchr(b'#', name)
            && name.get(hash + 1..).is_some_and(|number| number.iter().all(u8::is_ascii_digit))
        {
            name = name.get(..hash).unwrap_or_default();
            self.event(Code::NumberGlued, at);
        }
        if name.is_empty() {
            self.fault(Code::EmptyLabel, at, None, "a label's name after the underscore".into(), quote(word))?;
            return Ok(None);
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
        Ok(Some(Label { name: text.into(), at: at - part_start }))
    }
}
