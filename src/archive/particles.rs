//! How many particles a set has of each tomogram and optics group.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, LargeStringArray, PrimitiveArray};

use super::classify::{Role, role_of};
use crate::error::Result;
use crate::star::outline::Outline;
use crate::table::dtype::{InvalidUtf8, Options};
use crate::table::stream::Stream;

/// Rows of a large set that are looked at in one go.
const BATCH: usize = 1 << 16;

/// The labels by which particles are counted.
pub const TOMOGRAM: &str = "rlnTomoName";
pub const GROUP: &str = "rlnOpticsGroup";

/// Particles of one tomogram and optics group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub tomogram: Option<String>,
    pub group: Option<i64>,
    pub particles: i64,
}

/// Particles being counted, in the order in which their tomograms come.
#[derive(Default)]
pub struct Counter {
    counts: Vec<Count>,
    places: HashMap<(Option<String>, Option<i64>), usize>,
    last: Option<usize>,
}

impl Counter {
    /// Counts some rows.
    pub fn add(
        &mut self,
        names: Option<&LargeStringArray>,
        groups: Option<&PrimitiveArray<Int64Type>>,
        rows: Range<usize>,
    ) {
        for row in rows {
            let name = names.filter(|names| names.is_valid(row)).map(|names| names.value(row));
            let group = groups.filter(|groups| groups.is_valid(row)).map(|groups| groups.value(row));
            self.count(name, group);
        }
    }

    fn count(&mut self, name: Option<&str>, group: Option<i64>) {
        // Particles of one tomogram mostly stand together.
        let known = self.last.and_then(|last| self.counts.get_mut(last));
        if let Some(count) = known.filter(|count| count.tomogram.as_deref() == name && count.group == group) {
            count.particles += 1;
            return;
        }
        let key = (name.map(str::to_owned), group);
        let place = *self.places.entry(key).or_insert_with_key(|(tomogram, group)| {
            self.counts.push(Count { tomogram: tomogram.clone(), group: *group, particles: 0 });
            self.counts.len() - 1
        });
        self.last = Some(place);
        if let Some(count) = self.counts.get_mut(place) {
            count.particles += 1;
        }
    }

    #[must_use]
    pub fn finish(self) -> Vec<Count> {
        self.counts
    }
}

/// Columns as the counter takes them.
#[must_use]
pub fn columns<'a>(
    name: Option<&'a ArrayRef>,
    group: Option<&'a ArrayRef>,
) -> (Option<&'a LargeStringArray>, Option<&'a PrimitiveArray<Int64Type>>) {
    (name.and_then(|name| name.as_string_opt()), group.and_then(|group| group.as_primitive_opt()))
}

/// Counts the particles of a file that is never held as a whole.
///
/// # Errors
/// What the operating system says; a row or a value that cannot be read.
pub fn count_large(place: &Path, outline: &Outline) -> Result<Vec<Count>> {
    let mut counter = Counter::default();
    for block in &outline.blocks {
        for part in block.parts.iter().filter(|part| role_of(block, part) == Some(Role::Particles)) {
            let wanted = [TOMOGRAM, GROUP].map(str::to_owned).into_iter();
            let there: Vec<String> =
                wanted.filter(|wanted| part.labels().any(|label| *label.name == **wanted)).collect();
            if there.is_empty() {
                let particles = i64::try_from(part.rows()).unwrap_or(i64::MAX);
                counter.counts.push(Count { tomogram: None, group: None, particles });
                continue;
            }
            let options = Options {
                columns: Some(there),
                invalid_utf8: InvalidUtf8::Replace,
                threads: Some(1),
                ..Options::default()
            };
            stream(place, &block.name, &options, &mut counter)?;
        }
    }
    Ok(counter.finish())
}

fn stream(place: &Path, block: &str, options: &Options, counter: &mut Counter) -> Result<()> {
    let mut stream = Stream::open(place, Some(block), options, BATCH)?;
    while let Some(batch) = stream.next_batch()? {
        let (names, groups) = columns(batch.column_by_name(TOMOGRAM), batch.column_by_name(GROUP));
        counter.add(names, groups, 0..batch.num_rows());
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use crate::star::outline::OnError;
    use crate::table::stream::scan_path;

    #[test]
    fn particles_of_a_large_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("particles.star");
        let mut text = "data_particles\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnOpticsGroup\n".to_owned();
        for row in 0..200_000 {
            text.push_str(if row % 7 == 0 { "TS_2 1.5 2\n" } else { "TS_1 1.5 1\n" });
        }
        std::fs::write(&place, text).expect("written");
        let (outline, _) = scan_path(&place, OnError::Collect, Some(1)).expect("read");
        let found = count_large(&place, &outline).expect("counted");
        let count = |name: &str, group, particles| Count { tomogram: Some(name.into()), group: Some(group), particles };
        assert_eq!(found, [count("TS_2", 2, 28_572), count("TS_1", 1, 171_428)]);
    }
}
