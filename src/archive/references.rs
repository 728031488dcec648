//! Files that tomogram sets name: whether they are there, without opening them or leaving the archive.

use std::fs;
use std::path::Path;

use arrow_array::builder::BooleanBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use super::file::{File, as_os};
use super::problems::Problem;
use super::within::Within;
use crate::relion::paths;
use crate::star::diagnostic::Code;

/// The labels whose files are looked for, in the order of the columns that tell; of several the first that a row has: a
/// reconstruction may be there in halves alone.
pub const LABELS: [&[&str]; 3] = [
    &["rlnTomoTiltSeriesStarFile"],
    &["rlnEtomoDirectiveFile"],
    &["rlnTomoReconstructedTomogram", "rlnTomoReconstructedTomogramHalf1"],
];

/// Looks for the files that columns name; `owners` tells for each row which of the files it stands in.
pub fn find(
    columns: &[(&str, &ArrayRef)],
    owners: &[usize],
    files: &mut [File],
    root: &Path,
    within: &mut Within,
) -> ArrayRef {
    let mut found = BooleanBuilder::with_capacity(owners.len());
    let named = |row: usize| {
        columns.iter().find_map(|(label, names)| {
            let names = names.as_string_opt::<i64>().filter(|names| names.is_valid(row))?;
            Some((*label, plain(names.value(row)))).filter(|(_, name)| !name.is_empty())
        })
    };
    for (row, &owner) in owners.iter().enumerate() {
        let Some(file) = files.get_mut(owner) else { continue };
        let (Some((label, name)), Some(project)) = (named(row), file.project_bytes.as_deref()) else {
            found.append_null();
            continue;
        };
        // A path from the root of the system replaces what it is joined to.
        let place = root.join(as_os(project)).join(name);
        let code = if !within.holds(&place) {
            found.append_null();
            Some(Code::ReferenceOutside)
        } else {
            let there = fs::metadata(&place).is_ok();
            found.append_value(there);
            (!there).then_some(Code::ReferenceMissing)
        };
        if let Some(code) = code {
            note(file, code, label, name);
        }
    }
    std::sync::Arc::new(found.finish())
}

/// The path in an image's name, without its place in a stack and its format.
fn plain(name: &str) -> &str {
    name.get(paths::range(name.as_bytes())).unwrap_or(name)
}

/// Adds a problem, or counts it with the first of its kind in the file.
fn note(file: &mut File, code: Code, label: &str, name: &str) {
    let same = |problem: &&mut Problem| problem.code == code && problem.label.as_deref() == Some(label);
    match file.problems.iter_mut().find(same) {
        Some(problem) => problem.count += 1,
        None => {
            let problem = Problem::of_file(code, Some(name));
            file.problems.push(Problem { label: Some(label.to_owned()), ..problem });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_images() {
        for (name, path) in
            [("a/b.mrc", "a/b.mrc"), ("000003@a.mrcs:mrcs", "a.mrcs"), ("a:b/c.mrc", "a:b/c.mrc"), ("12", "12")]
        {
            assert_eq!(plain(name), path);
        }
    }
}
