//! Where the bytes of a text are: all in memory, or behind a window that moves over a file.

use std::io;

/// A text that can be looked at piece by piece.
pub trait Text {
    /// Bytes in all.
    fn length(&self) -> u64;

    /// The bytes from `at` on: at least `want` of them, or all there are.
    ///
    /// # Errors
    /// What the operating system says when the bytes cannot be brought in.
    fn view(&mut self, at: u64, want: usize) -> io::Result<&[u8]>;

    /// The same text, to be looked at by another thread.
    ///
    /// # Errors
    /// What the operating system says.
    fn again(&self) -> io::Result<impl Text + Send>;
}

impl Text for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn view(&mut self, at: u64, _want: usize) -> io::Result<&[u8]> {
        Ok(usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default())
    }

    fn again(&self) -> io::Result<impl Text + Send> {
        Ok(*self)
    }
}

impl<T: Text> Text for &mut T {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn view(&mut self, at: u64, want: usize) -> io::Result<&[u8]> {
        (**self).view(at, want)
    }

    fn again(&self) -> io::Result<impl Text + Send> {
        (**self).again()
    }
}

/// One line, copied out of a text.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Without its line feed.
    pub text: Vec<u8>,
    pub start: u64,
    /// Where the next line begins.
    pub next: u64,
    /// Whether a line feed ends it.
    pub terminated: bool,
}

/// How much a text is asked for at first when a line is wanted.
const LINE: usize = 1 << 12;

/// Reads the line at `at` into `line`; false at the end of the text.
///
/// # Errors
/// As [`Text::view`].
pub fn read_line<T: Text>(text: &mut T, at: u64, line: &mut Line) -> io::Result<bool> {
    let length = text.length();
    let mut want = LINE;
    line.text.clear();
    line.start = at;
    if at >= length {
        line.next = at;
        line.terminated = false;
        return Ok(false);
    }
    loop {
        let view = text.view(at, want)?;
        let whole = at + view.len() as u64 >= length;
        match memchr::memchr(b'\n', view) {
            Some(end) => {
                line.text.extend_from_slice(view.get(..end).unwrap_or_default());
                line.next = at + end as u64 + 1;
                line.terminated = true;
                return Ok(true);
            }
            None if whole => {
                if line.text.try_reserve(view.len()).is_err() {
                    return Err(io::ErrorKind::OutOfMemory.into());
                }
                line.text.extend_from_slice(view);
                line.next = at + view.len() as u64;
                line.terminated = false;
                return Ok(true);
            }
            None => want = want.saturating_mul(4),
        }
    }
}
