//! Particles of a set: how many there are of each tomogram and optics group, and each of them on request.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, LargeStringArray, PrimitiveArray};

use super::classify::{Role, role_of};
use super::schema::{FromLabel, PARTICLE_COLUMNS};
use crate::error::Result;
use crate::source::Bytes;
use crate::star::outline::{Outline, Part};
use crate::star::rows::Piece;
use crate::table::decode::{Layout, Member, Met, OnMisfit};
use crate::table::dtype::{InvalidUtf8, Numbers, Strings, Type};
use crate::table::stack::stack;

/// Rows, and bytes of text, that are looked at in one go.
const BATCH: (u64, u64) = (1 << 16, 16 << 20);
/// How many columns particles are counted by: the tomogram, and the optics group.
const COUNTED: usize = 2;

/// Particles of one tomogram and optics group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub tomogram: Option<String>,
    pub group: Option<i64>,
    pub particles: i64,
}

/// What a set holds.
#[derive(Debug, Default)]
pub struct Particles {
    pub counts: Vec<Count>,
    /// Rows: each particle's number within its table, then [`PARTICLE_COLUMNS`]; none where they are not wanted.
    pub rows: Vec<Vec<ArrayRef>>,
    /// What was met in the columns of a block, of which the first are [`PARTICLE_COLUMNS`]'.
    pub met: Vec<(Box<str>, Vec<Met>)>,
}

/// Reads the particles of a text, batch by batch, with `each` not only to count them.
///
/// # Errors
/// What the operating system says.
pub fn read(text: Bytes<'_>, outline: &Outline, each: bool) -> Result<Particles> {
    let columns = if each { PARTICLE_COLUMNS } else { PARTICLE_COLUMNS.get(..COUNTED).unwrap_or_default() };
    let types: Vec<Type> = columns.iter().map(FromLabel::kind).collect();
    let layout = Layout {
        strings: Strings::Large,
        invalid_utf8: InvalidUtf8::Replace,
        numbers: Numbers::Star,
        on_misfit: OnMisfit::Null,
        threads: 1,
    };
    let mut counter = Counter::default();
    let mut found = Particles::default();
    for block in &outline.blocks {
        for part in block.parts.iter().filter(|part| role_of(block, part) == Some(Role::Particles)) {
            let Part::Loop(table) = part else { continue };
            let labels: Vec<&str> = part.labels().map(|label| &*label.name).collect();
            let source = |column: &FromLabel| labels.iter().position(|label| *label == column.label);
            let sources: Vec<_> = columns.iter().map(source).collect();
            let mut met = vec![Met::default(); columns.len()];
            let mut number = 0;
            for pieces in batches(&table.pieces) {
                let member = Member::of_rows(pieces, labels.len(), sources.clone(), text);
                let stacked = stack(&types, std::slice::from_ref(&member), layout, &[])?;
                counter.add(stacked.columns.first(), stacked.columns.get(1), member.rows);
                for (all, own) in met.iter_mut().zip(stacked.met.into_iter().flatten()) {
                    all.add(own);
                }
                if each {
                    let numbers = Int64Array::from_iter_values((number..).take(member.rows));
                    number += i64::try_from(member.rows).unwrap_or(i64::MAX);
                    let own = std::iter::once(Arc::new(numbers) as ArrayRef);
                    found.rows.push(own.chain(stacked.columns).collect());
                }
            }
            found.met.push((block.name.clone(), met));
        }
    }
    found.counts = counter.counts;
    Ok(found)
}

/// Pieces of a loop, some at a time.
fn batches(pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let start = rest.first()?.start;
        let (mut count, mut rows) = (0, 0);
        for piece in rest {
            if count > 0 && (rows >= BATCH.0 || piece.end - start > BATCH.1) {
                break;
            }
            rows += piece.rows;
            count += 1;
        }
        let (taken, left) = rest.split_at(count);
        rest = left;
        Some(taken)
    })
}

/// Particles being counted, in the order in which their tomograms come.
#[derive(Default)]
struct Counter {
    counts: Vec<Count>,
    places: HashMap<(Option<String>, Option<i64>), usize>,
    last: Option<usize>,
}

impl Counter {
    fn add(&mut self, names: Option<&ArrayRef>, groups: Option<&ArrayRef>, rows: usize) {
        let names: Option<&LargeStringArray> = names.and_then(|names| names.as_string_opt());
        let groups: Option<&PrimitiveArray<Int64Type>> = groups.and_then(|groups| groups.as_primitive_opt());
        for row in 0..rows {
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
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use crate::star::outline::OnError;
    use crate::table::stream::scan_path;

    #[test]
    fn particles_of_a_file_read_piece_by_piece() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("particles.star");
        let mut text = "data_particles\n\nloop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnOpticsGroup\n".to_owned();
        for row in 0..200_000 {
            text.push_str(if row % 7 == 0 { "TS_2 1.5 2\n" } else { "TS_1 1.5 1\n" });
        }
        text.push_str("TS_3 2.5 x\n");
        std::fs::write(&place, text).expect("written");
        let (outline, window) = scan_path(&place, OnError::Collect, Some(1)).expect("read");
        let file = window.file().expect("open");
        let count = |name: &str, group, particles| Count { tomogram: Some(name.into()), group, particles };
        for each in [false, true] {
            let found = read(Bytes::File(&file), &outline, each).expect("counted");
            let wanted = [count("TS_2", Some(2), 28_572), count("TS_1", Some(1), 171_428), count("TS_3", None, 1)];
            assert_eq!(found.counts, wanted);
            let misfits: Vec<_> =
                found.met.iter().flat_map(|(_, met)| met).filter_map(|met| met.misfit.as_ref()).collect();
            assert_eq!(misfits.iter().map(|misfit| misfit.count).sum::<u64>(), 1);
            let rows: usize =
                found.rows.iter().filter_map(|columns| columns.first()).map(|numbers| numbers.len()).sum();
            assert_eq!(rows, if each { 200_001 } else { 0 });
            let last = found.rows.last().and_then(|columns| columns.first()?.as_primitive_opt::<Int64Type>());
            assert_eq!(last.map(|numbers| numbers.value(numbers.len() - 1)), each.then_some(200_000));
        }
    }
}
