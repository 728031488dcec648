//! Paths moved from one folder to another, in all values of labels that hold paths.

use std::collections::HashSet;
use std::ops::Range;

use super::outlined;
use super::texts::{Fix, Fixes};
use super::values::{self, Value};
use crate::error::Result;
use crate::relion::paths::{self, Kind};
use crate::star::diagnostic::Code;
use crate::star::lex::{self, Form};
use crate::star::outline::Part;
use crate::star::write::text::push_text;

/// How many examples are told of a column.
const EXAMPLES: usize = 3;

/// What is moved where.
#[derive(Clone, Debug)]
pub struct Move {
    /// The folders of the old path, one by one; an empty one first if it begins at the system's root.
    old: Vec<Vec<u8>>,
    new: Vec<u8>,
    /// Kinds of labels that are left as they are.
    without: Vec<Kind>,
}

/// What was moved in a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub block: String,
    pub label: String,
    pub count: u64,
    /// The new paths, without their places in stacks, each once.
    pub paths: Vec<Vec<u8>>,
    /// Some values as they were and as they are.
    pub examples: Vec<(Vec<u8>, Vec<u8>)>,
    /// Values that no quotes can be put around.
    pub refused: u64,
}

impl Move {
    /// A move of all below the folder `old`, or of a file, to `new`; an empty `new` is the project's own folder.
    #[must_use]
    pub fn new(old: &[u8], new: &[u8], without: Vec<Kind>) -> Self {
        let mut folders: Vec<Vec<u8>> =
            components(old).map(|range| old.get(range).unwrap_or_default().to_vec()).collect();
        if old.first() == Some(&b'/') {
            folders.insert(0, Vec::new());
        }
        Self {
            old: folders,
            new: new.strip_suffix(b"/").filter(|rest| !rest.is_empty()).unwrap_or(new).to_vec(),
            without,
        }
    }

    /// The part of a path that the move replaces; nothing for one that is elsewhere.
    #[must_use]
    pub fn part(&self, path: &[u8]) -> Option<Range<usize>> {
        let absolute = self.old.first().is_some_and(Vec::is_empty);
        if absolute != (path.first() == Some(&b'/')) || self.old.is_empty() {
            return None;
        }
        let mut end = 0;
        let mut found = components(path);
        for folder in self.old.iter().skip(usize::from(absolute)) {
            let range = found.next().filter(|range| path.get(range.clone()) == Some(folder))?;
            end = range.end;
        }
        if end == 0 {
            end = 1;
        }
        if self.new.is_empty() || self.new == b"/" || path.get(end - 1) == Some(&b'/') {
            // What follows begins at the project's folder, or at the system's root.
            let rest = path.get(end..).unwrap_or_default();
            end += rest.iter().take_while(|&&byte| byte == b'/').count();
        }
        (end < path.len() || !self.new.is_empty()).then_some(0..end)
    }

    /// A value with its path moved.
    #[must_use]
    pub fn moved(&self, value: &[u8]) -> Option<(Vec<u8>, Range<usize>)> {
        let range = paths::range(value);
        let path = value.get(range.clone())?;
        let part = self.part(path)?;
        let rest = path.get(part.end..)?;
        let joint: &[u8] = match (self.new.last(), rest.first(), path.get(part.end.wrapping_sub(1))) {
            (Some(last), Some(next), Some(b'/')) if *last != b'/' && *next != b'/' => b"/",
            _ => b"",
        };
        let path = [&self.new, joint, rest].concat();
        let at = range.start..range.start + path.len();
        Some(([value.get(..range.start)?, &path, value.get(range.end..)?].concat(), at))
    }
}

/// The names in a path, without those that stay where they are.
fn components(path: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    let parts = path.split(|&byte| byte == b'/').map(move |part| {
        let range = at..at + part.len();
        at = range.end + 1;
        range
    });
    parts.filter(|range| !matches!(path.get(range.clone()), None | Some(b"" | b".")))
}

/// Moves paths in a text; gives it with what was moved, or nothing where nothing was.
///
/// # Errors
/// The text cannot be looked at.
pub fn rebase(text: &[u8], moving: &Move) -> Result<Option<(Vec<u8>, Vec<Moved>)>> {
    // A text that has the last folder's name nowhere has no such path.
    if let Some(name) = moving.old.last().filter(|name| !name.is_empty())
        && memchr::memmem::find(text, name).is_none()
    {
        return Ok(None);
    }
    let found = outlined(text)?;
    let codes = HashSet::new();
    let mut fixes = Fixes::new(text, &codes);
    let mut all = Vec::new();
    for block in &found.blocks {
        for part in &block.parts {
            let columns = path_columns(part, &moving.without);
            let options = option_names(text, part);
            for (column, label, kind) in columns {
                let mut moved = Column::new(moving, matches!(part, Part::List(_)));
                values::each(text, part, Some(&[column]), &mut |value| {
                    let is_path = kind != Kind::Option || options.holds(&value);
                    if is_path && let Some(fix) = moved.fix(&value) {
                        fixes.push(fix);
                    }
                });
                if moved.found.count + moved.found.refused > 0 {
                    moved.found.block = block.name.to_string();
                    moved.found.label = label;
                    all.push(moved.found);
                }
            }
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    Ok(Some((fixes.apply().0, all)))
}

/// Columns of a table that hold paths.
pub(super) fn path_columns(part: &Part, without: &[Kind]) -> Vec<(usize, String, Kind)> {
    let known = |(index, label): (usize, &crate::star::outline::Label)| {
        let kind = paths::kind(&label.name).filter(|kind| !without.contains(kind))?;
        Some((index, label.name.to_string(), kind))
    };
    part.labels().enumerate().filter_map(known).collect()
}

/// Which values of a column of options may be paths, by where they begin.
pub(super) struct Options(HashSet<usize>);

impl Options {
    pub(super) fn holds(&self, value: &Value<'_>) -> bool {
        self.0.contains(&value.start)
    }
}

/// Looks for the options of a job that may be paths.
pub(super) fn option_names(text: &[u8], part: &Part) -> Options {
    let mut found = HashSet::new();
    let place = |wanted: &str| part.labels().position(|label| &*label.name == wanted);
    let values = paths::LABELS.iter().filter(|(_, kind)| *kind == Kind::Option).find_map(|(name, _)| place(name));
    if let Some(column) = values {
        let names = place(paths::OPTION_NAME);
        values::grids(text, part, &mut |grid, _| {
            let mut names = names.map(|names| grid.values(names, 0));
            for (word, _, start) in grid.values(column, 0) {
                let name = names.as_mut().and_then(Iterator::next).map_or(&b""[..], |(name, _, _)| name);
                if paths::is_option_path(name, word) {
                    found.insert(usize::try_from(start).unwrap_or(usize::MAX));
                }
            }
        });
    }
    Options(found)
}

/// What is moved in one column.
struct Column<'m> {
    moving: &'m Move,
    in_list: bool,
    found: Moved,
    known: HashSet<Vec<u8>>,
}

impl<'m> Column<'m> {
    fn new(moving: &'m Move, in_list: bool) -> Self {
        Self { moving, in_list, found: Moved::default(), known: HashSet::new() }
    }

    fn fix(&mut self, value: &Value<'_>) -> Option<Fix> {
        if value.form == Form::TextField || paths::is_none(value.word) {
            return None;
        }
        let plain = if value.form == Form::Escaped { lex::unescape(value.word) } else { value.word.to_vec() };
        let (new, path) = self.moving.moved(&plain)?;
        if new == plain {
            return None;
        }
        let Some(text) = written(&new, value, self.in_list) else {
            self.found.refused += 1;
            return None;
        };
        self.found.count += 1;
        if self.found.examples.len() < EXAMPLES {
            self.found.examples.push((plain, new.clone()));
        }
        let path = new.get(path).unwrap_or_default();
        if self.known.insert(path.to_vec()) {
            self.found.paths.push(path.to_vec());
        }
        Some(Fix::new(Code::NotStar, value.start).replace(value.whole(), text))
    }
}

/// A text in the quotes that it had, if that can be.
fn written(new: &[u8], value: &Value<'_>, in_list: bool) -> Option<Vec<u8>> {
    if value.form == Form::Quoted && !new.is_empty() && memchr::memchr2(b'"', b'\'', new).is_none() {
        let quote = value.quote.unwrap_or(b'"');
        return Some([&[quote], new, &[quote]].concat());
    }
    let mut out = Vec::new();
    push_text(&mut out, new, in_list, 0).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(old: &str, new: &str, value: &str) -> Option<String> {
        let moving = Move::new(old.as_bytes(), new.as_bytes(), Vec::new());
        moving.moved(value.as_bytes()).map(|(value, _)| String::from_utf8(value).expect("text"))
    }

    #[test]
    fn names_of_folders_are_compared_as_a_whole() {
        for (old, new, value, expected) in [
            ("Movies/a", "Raw", "Movies/a/x.mrc", Some("Raw/x.mrc")),
            ("Movies/a/", "Raw/", "Movies/a/x.mrc", Some("Raw/x.mrc")),
            ("Movies/a", "Raw", "Movies/ab/x.mrc", None),
            ("Movies/a", "Raw", "Movies/a", Some("Raw")),
            ("Movies/a", "Raw", "Movies/a/", Some("Raw/")),
            ("Movies/a", "Raw", "Movies//./a/x", Some("Raw/x")),
            ("Movies/a", "Raw", "./Movies/a//x", Some("Raw//x")),
            ("Movies/a", "Raw", "/Movies/a/x", None),
            ("/data/p", "", "/data/p/Movies/x.mrc", Some("Movies/x.mrc")),
            ("/data/p", "", "/data/p//Movies/x.mrc", Some("Movies/x.mrc")),
            ("/data/p", "", "/data/p", None),
            ("/data/p", "/new", "3@/data/p/x.mrcs:mrcs", Some("3@/new/x.mrcs:mrcs")),
            ("Movies", "/", "Movies/x", Some("/x")),
            ("/", "/mnt", "/data/x", Some("/mnt/data/x")),
            ("a/../b", "c", "a/../b/x", Some("c/x")),
            ("", "c", "a/x", None),
        ] {
            assert_eq!(moved(old, new, value).as_deref(), expected, "{old} {new} {value}");
        }
    }
}
