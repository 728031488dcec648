//! Files read whole, for what is to be told of each: every block, every column.

use std::fs;
use std::path::Path;

use super::classify::{Kind, classify};
use super::entries::{Entry, Sort};
use super::file::as_os;
use super::problems::Problem;
use crate::error::{Result, StarError};
use crate::parallel;
use crate::source;
use crate::star::diagnostic::Code;
use crate::star::outline::{OnError, Outline, Part};
use crate::table::dtype::{InvalidUtf8, Options};
use crate::table::read::{self, Known};

/// Files up to this size are read at once.
const WHOLE: i64 = 8 << 20;

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Examined {
    /// As in the catalogue.
    pub kind: &'static str,
    pub problems: Vec<Problem>,
}

/// Reads files, many at a time; what lies on tape is read only where `recall` is set.
#[must_use]
pub fn examine(root: &Path, entries: &[Entry], recall: bool, threads: usize) -> Vec<Examined> {
    let look =
        |known: &mut Known, index: usize| entries.get(index).map(|entry| look(root, entry.clone(), recall, known));
    let (found, _) = parallel::map_with(entries.len(), threads, |_| Known::default(), look);
    found.into_iter().flatten().collect()
}

fn look(root: &Path, mut entry: Entry, recall: bool, known: &mut Known) -> Examined {
    let told = |kind, code, detail: Option<&str>| Examined { kind, problems: vec![Problem::of_file(code, detail)] };
    match (&entry.error, entry.sort) {
        (Some(error), _) => return told("unknown", Code::Unreadable, Some(error)),
        (None, Sort::Link) => return told("link", Code::SymbolicLink, None),
        (None, Sort::Other) => return told("special", Code::NotRegular, None),
        (None, _) if entry.is_offline() && !recall => return Examined { kind: "offline", problems: Vec::new() },
        (None, _) => {}
    }
    let place = root.join(as_os(&entry.path));
    for try_again in [true, false] {
        let found = read(&place, entry.size, known).unwrap_or_else(|error| {
            let detail = match error {
                StarError::Io { error, .. } => error.to_string(),
                other => other.to_string(),
            };
            told("unknown", Code::Unreadable, Some(&detail))
        });
        // Of a link that was named what it leads to; one that has come in the file's place shows by its number.
        let Ok(facts) = fs::metadata(&place) else { return found };
        if entry.is_like(&facts) {
            return found;
        }
        entry.take(&facts);
        if !try_again || !facts.is_file() {
            break;
        }
    }
    told("unknown", Code::Unstable, None)
}

fn read(place: &Path, size: i64, known: &mut Known) -> Result<Examined> {
    let options = Options {
        on_error: OnError::Collect,
        invalid_utf8: InvalidUtf8::Replace,
        threads: Some(1),
        ..Options::default()
    };
    // Most are small, and are read without another look at their size.
    let found = match size {
        0..WHOLE => read::read_with(&source::load_path(place, false, Some(1))?, &options, known)?,
        _ => read::read_path(place, &options)?,
    };
    let kind = found.kept.as_ref().map_or("unknown", |kept| match classify(&kept.outline) {
        // Nothing could be made of it at all.
        Kind::Empty if !kept.outline.faults.is_empty() => "unknown",
        Kind::Other if is_set_like(&kept.outline) => Kind::TomogramSet.name(),
        kind => kind.name(),
    });
    Ok(Examined { kind, problems: found.diagnostics.into_iter().map(Problem::from).collect() })
}

/// Whether a file is meant to be a set of tomograms though it lacks what RELION finds them by.
fn is_set_like(outline: &Outline) -> bool {
    let has =
        |label: &str| outline.blocks.iter().flat_map(|b| &b.parts).flat_map(Part::labels).any(|l| &*l.name == label);
    outline.blocks.iter().any(|block| &*block.name == "global")
        && (has("rlnTomoTiltSeriesStarFile") || has("rlnTomoHand") || has("rlnTomoName"))
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_files() {
        let top = tempfile::tempdir().expect("a folder");
        fs::write(top.path().join("a.star"), "data_x\nloop_\n_rlnVoltage\n300\n# 1\nnan\n").expect("written");
        std::os::unix::fs::symlink("a.star", top.path().join("b.star")).expect("linked");
        let entry =
            |name: &str, sort| Entry::new(name.as_bytes().to_vec(), sort, fs::symlink_metadata(top.path().join(name)));
        let entries = vec![entry("a.star", Sort::File), entry("b.star", Sort::Link), entry("c.star", Sort::File)];
        let found = examine(top.path(), &entries, false, 2);
        let codes = |at: usize| {
            found.get(at).map(|one| one.problems.iter().map(|problem| problem.code.id()).collect::<Vec<_>>())
        };
        assert_eq!(found.first().map(|one| one.kind), Some("other"));
        assert_eq!(codes(0), Some(vec!["R102", "V101"]));
        assert_eq!(codes(1), Some(vec!["F101"]));
        assert_eq!(codes(2), Some(vec!["F201"]));
    }
}
