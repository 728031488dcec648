//! What RELION makes of lines outside of loops: comments, and content it looks for (`docs/format.md`, rules 5 and 17).

use super::{Code, Keyword, Kind, Line, Outliner, Step, Text, word_count};
use crate::star::lex;

/// What goes before the number in a version comment.
const VERSION: &[u8] = b"# version ";

/// A block for whose content RELION is still looking: it takes the first line that holds `loop_`, of whatever block,
/// or begins with a label that is not indented.
pub(super) struct Sought {
    pub(super) block: usize,
    /// Where the block has a list all the same.
    pub(super) list: Option<u64>,
}

impl<T: Text> Outliner<'_, '_, T> {
    /// Minds a comment line: its version (rule 17), and the keywords RELION would see in it (rule 5).
    pub(super) fn comment(&mut self, line: &Line) {
        let text = line.text.trim_ascii_end();
        if !text.trim_ascii_start().starts_with(b"#") {
            self.event(Code::SemicolonComment, line.start);
        }
        if let Some(at) = memchr::memmem::find(text, VERSION) {
            let number = text.get(at + VERSION.len()..).unwrap_or_default().trim_ascii_start();
            let sign = usize::from(matches!(number.first(), Some(b'-' | b'+')));
            let digits = number.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
            match number.get(..sign + digits).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| d.parse().ok()) {
                Some(version) => self.version = Some(version),
                None => self.event(Code::VersionUnreadable, line.start),
            }
        }
        if self.seek(line) || memchr::memmem::find(text, b"data_").is_some() {
            self.event(Code::KeywordInComment, line.start);
        }
    }

    /// Lets RELION, looking for the content of blocks, see a line; tells whether it takes it for a `loop_` line.
    pub(super) fn seek(&mut self, line: &Line) -> bool {
        if self.sought.is_empty() {
            return false;
        }
        let is_loop = memchr::memmem::find(&line.text, b"loop_").is_some();
        if is_loop || line.text.first() == Some(&b'_') {
            let last = self.found.blocks.len().saturating_sub(1);
            for Sought { block: index, list } in std::mem::take(&mut self.sought) {
                let Some(block) = self.found.blocks.get_mut(index).filter(|_| is_loop) else { continue };
                match list {
                    Some(list) if list < line.start => block.events.add(Code::IndentedList, list),
                    Some(_) => {}
                    None if index < last => block.events.add(Code::EmptyBlock, block.start),
                    None => {}
                }
            }
        }
        is_loop
    }

    /// Whether a line that begins with something else is a header to RELION, and what follows says it is one (rule 6).
    pub(super) fn is_header_within(&mut self, line: &Line) -> Step<bool> {
        let text = lex::trim(&line.text);
        let is_it = memchr::memmem::find(text, b"data_").is_some()
            && word_count(text) == Ok(1)
            && !text.iter().any(|&byte| lex::is_control(byte));
        Ok(is_it && matches!(self.next_kind(line.next)?, Some(Kind::Keyword(Keyword::Label | Keyword::Loop))))
    }

    /// At the text's end: RELION found no content for blocks that have some.
    pub(super) fn end_search(&mut self) {
        for Sought { block, list } in std::mem::take(&mut self.sought) {
            if let (Some(list), Some(block)) = (list, self.found.blocks.get_mut(block)) {
                block.events.add(Code::IndentedList, list);
            }
        }
    }
}
