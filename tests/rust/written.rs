//! Any table is written so that it reads back equal, by any number of threads, or is refused for a reason.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tomoset::error::StarError;
use tomoset::source::Loaded;
use tomoset::star::write::layout::Layout;
use tomoset::table::draft::{Section, write};
use tomoset::table::dtype::{Dtypes, Options, Type};
use tomoset::table::encode::block::{Block, Table};
use tomoset::table::encode::options::{ByLabel, Na, WriteOptions};
use tomoset::table::read::read;

#[derive(Clone, Debug)]
enum Values {
    Floats(Vec<Option<f64>>),
    Ints(Vec<Option<i64>>),
    Bools(Vec<Option<bool>>),
    Texts(Vec<Option<String>>),
    Lists(Vec<Option<Vec<f64>>>),
}

impl Values {
    fn kind(&self) -> Type {
        match self {
            Self::Floats(_) => Type::Float,
            Self::Ints(_) => Type::Int,
            Self::Bools(_) => Type::Bool,
            Self::Texts(_) => Type::Text,
            Self::Lists(_) => Type::FloatList,
        }
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Floats(values) => Arc::new(Float64Array::from(values.clone())),
            Self::Ints(values) => Arc::new(Int64Array::from(values.clone())),
            Self::Bools(values) => Arc::new(BooleanArray::from(values.clone())),
            Self::Texts(values) => Arc::new(LargeStringArray::from(values.clone())),
            Self::Lists(values) => {
                let mut lists = ListBuilder::new(Float64Builder::new());
                for value in values {
                    lists.append_option(value.as_ref().map(|items| items.iter().copied().map(Some)));
                }
                Arc::new(lists.finish())
            }
        }
    }

    /// What must be read; text has no word for what is missing.
    fn cells(&self) -> Vec<String> {
        match self.array() {
            array if self.kind() == Type::Text => {
                array.as_string::<i64>().iter().map(|text| text.unwrap_or("<NA>").to_owned()).collect()
            }
            array => cells(&array),
        }
    }

    fn is_refused(&self, in_list: bool) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().flatten().any(|text| is_refused(text, in_list)),
            _ => false,
        }
    }
}

/// The values in a form that compares bit for bit, all NaN as one.
fn cells(array: &ArrayRef) -> Vec<String> {
    let bits = |value: f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
    let cell = |row| match array.data_type() {
        _ if array.is_null(row) => "null".to_owned(),
        DataType::Float64 => format!("{:x}", bits(array.as_primitive::<Float64Type>().value(row))),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::List(_) => floats(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => floats(&array.as_list::<i64>().value(row)),
        _ => array.as_string::<i64>().value(row).to_owned(),
    };
    (0..array.len()).map(cell).collect()
}

fn floats(items: &ArrayRef) -> String {
    cells(items).join(",")
}

/// Line ends, and quotes of both kinds that would end the value, or a BEL that would be lost before one.
fn is_refused(text: &str, in_list: bool) -> bool {
    let kept: String = text.chars().filter(|&letter| in_list || !"\x07\x08\x0b\x0c".contains(letter)).collect();
    let bad = |quote: char| {
        let ends = |text: &str| text.contains(&format!("{quote} ")) || text.contains(&format!("{quote}\t"));
        ends(text) || ends(&kept) || format!("{text}{quote}").contains(&format!("\x07{quote}"))
    };
    let no_quotes = bad('"') && bad('\'') && (!in_list || text.contains('\x07'));
    let is_plain = !text.chars().any(|letter| letter <= ' ') && !text.starts_with(['"', '\'', '#', ';', '_']);
    text.contains(['\n', '\r']) || (no_quotes && !is_plain)
}

fn values(rows: usize) -> impl Strategy<Value = Values> {
    let float = || {
        prop_oneof![any::<u64>().prop_map(f64::from_bits), (-999_999i32..=999_999).prop_map(|n| f64::from(n) / 1000.0)]
    };
    let text = "[ab \t\"'#_;\\[\u{7}\u{b}\u{0}\u{7f}\u{e9}\u{a0}\r\n]{0,6}|(data_|loop_|save_|stop_|global_|<NA>|nan)[a]?|[ -~]{0,12}|\\PC{0,6}";
    prop_oneof![
        vec(option::of(float()), rows).prop_map(Values::Floats),
        vec(option::of(any::<i64>()), rows).prop_map(Values::Ints),
        vec(option::of(any::<bool>()), rows).prop_map(Values::Bools),
        vec(option::of(text), rows).prop_map(Values::Texts),
        vec(option::of(vec(float(), 0..4)), rows).prop_map(Values::Lists),
    ]
}

/// Whether it is a list, and its columns.
fn tables() -> impl Strategy<Value = Vec<(bool, Vec<Values>)>> {
    let table = (any::<bool>(), 1usize..5).prop_flat_map(|(is_list, rows)| {
        let rows = if is_list { 1 } else { rows };
        (Just(is_list), vec(values(rows), 1..5))
    });
    vec(table, 1..4)
}

/// A block for each table; labels say which column they are of, so that types can be given by label.
fn sections(tables: &[(bool, Vec<Values>)]) -> (Vec<Section>, HashMap<String, Type>) {
    let mut types = HashMap::new();
    let mut section = |(index, (is_list, columns)): (usize, &(bool, Vec<Values>))| {
        let labels: Vec<String> = (0..columns.len()).map(|column| format!("c{index}.{column}")).collect();
        types.extend(labels.iter().cloned().zip(columns.iter().map(Values::kind)));
        let arrays: Vec<ArrayRef> = columns.iter().map(Values::array).collect();
        let field = |(label, array): (&String, &ArrayRef)| Field::new(label, array.data_type().clone(), true);
        let schema = Arc::new(Schema::new(labels.iter().zip(&arrays).map(field).collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("columns of one length");
        let cut = batch.num_rows() / 2;
        let batches = vec![batch.slice(0, cut), batch.slice(cut, batch.num_rows() - cut)];
        let name = format!("block {index}");
        Section::Fresh(Block { name, tables: vec![Table { is_list: *is_list, schema, batches }] })
    };
    let sections = tables.iter().enumerate().map(&mut section).collect();
    (sections, types)
}

fn written(sections: &[Section], layout: Layout, threads: usize) -> Result<Vec<u8>, StarError> {
    let na = ByLabel { all: Na::Keep, ..ByLabel::default() };
    let options = WriteOptions { na, layout, threads: Some(threads), ..WriteOptions::default() };
    let mut text = Vec::new();
    write(sections, &options, &mut text)?;
    Ok(text)
}

/// RELION takes a list for a loop where its first line holds the word.
fn is_loop_to_relion((is_list, columns): &(bool, Vec<Values>)) -> bool {
    *is_list
        && matches!(&columns[0], Values::Texts(texts) if texts[0].as_ref().is_some_and(|text| text.contains("loop_")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tables(tables in tables(), starfile: bool) {
        let layout = if starfile { Layout::Starfile { separator: b'\t' } } else { Layout::Relion };
        let (sections, types) = sections(&tables);
        let refused = tables.iter().any(|table| {
            is_loop_to_relion(table) || table.1.iter().any(|values| values.is_refused(table.0))
        });
        let text = match written(&sections, layout, 1) {
            Err(StarError::Unwritable(what)) => {
                prop_assert!(refused, "{what:?}");
                return Ok(());
            }
            text => text.expect("written"),
        };
        prop_assert!(!refused);
        let loaded = Loaded { buffer: text.into(), cr_only: false };
        let options = Options { dtypes: Dtypes::Given(types), threads: Some(1), ..Options::default() };
        let found = read(&loaded, &options).expect("what was written is read");
        prop_assert_eq!(found.blocks.len(), tables.len());
        for (index, (block, (is_list, columns))) in found.blocks.iter().zip(&tables).enumerate() {
            prop_assert_eq!(&*block.name, format!("block {index}"));
            prop_assert_eq!(block.tables.len(), 1);
            prop_assert_eq!(block.tables[0].is_list, *is_list);
            let batch = block.tables[0].batch();
            prop_assert_eq!(batch.num_columns(), columns.len());
            for (array, values) in batch.columns().iter().zip(columns) {
                prop_assert_eq!(cells(array), values.cells());
            }
        }
    }
}

#[test]
fn threads_change_nothing() {
    let rows = 60_000;
    let floats = (0..rows).map(|row| Some(f64::from(row) / 7.0)).collect();
    let texts = (0..rows).map(|row| Some(format!("TS {}", row % 13))).collect();
    let (sections, _) = sections(&[(false, vec![Values::Floats(floats), Values::Texts(texts)])]);
    for layout in [Layout::Relion, Layout::Starfile { separator: b' ' }] {
        let one = written(&sections, layout, 1).expect("written");
        assert!(one.len() > 1 << 20);
        for threads in [2, 3, 7] {
            assert!(one == written(&sections, layout, threads).expect("written"), "{threads} threads");
        }
    }
}
