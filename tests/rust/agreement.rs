//! Any bytes are read or refused, never with a panic, and in the same way however they are cut up.

#![allow(clippy::expect_used, clippy::indexing_slicing)]

use std::collections::HashSet;

use proptest::prelude::*;
use tomoset::source::{Bytes, Loaded};
use tomoset::star::outline::{Memory, OnError, Outline, Part, Stop, outline, outline_shared};
use tomoset::star::text::Text;
use tomoset::table::ahead::{Ahead, Cut};
use tomoset::table::dtype::{Dtypes, InvalidUtf8, Options, Strings};
use tomoset::table::grid::{Grid, Grids};
use tomoset::table::read::{StarTables, read, read_cut, read_pieces};

/// A text that shows as little of itself as it may.
struct Narrow<'a>(&'a [u8]);

impl Text for Narrow<'_> {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn view(&mut self, at: u64, want: usize) -> std::io::Result<&[u8]> {
        let rest = self.0.get(usize::try_from(at).expect("small")..).unwrap_or_default();
        Ok(rest.get(..want).unwrap_or(rest))
    }

    fn again(&self) -> std::io::Result<impl Text + Send> {
        Ok(Narrow(self.0))
    }
}

fn loaded(text: &[u8]) -> Loaded {
    Loaded { buffer: text.to_vec().into(), cr_only: false }
}

/// Two readings gave the same; numbers are compared by their bits.
fn same(one: &StarTables, other: &StarTables) -> bool {
    let blocks = one.blocks.iter().zip(&other.blocks).all(|(a, b)| {
        let tables = a.tables.iter().zip(&b.tables).all(|(a, b)| a.batch() == b.batch());
        (&a.name, a.version, a.tables.len()) == (&b.name, b.version, b.tables.len()) && tables
    });
    blocks && one.blocks.len() == other.blocks.len() && one.diagnostics == other.diagnostics
}

fn outlined(text: &[u8], cut: Option<Cut>) -> Outline {
    let bytes = Bytes::Memory { text, base: 0 };
    let mut ahead = cut.map(|cut| Ahead::counting(bytes, text.len() as u64, Some(2), cut));
    let ahead = ahead.as_mut().map(|ahead| ahead as &mut dyn tomoset::star::outline::Ahead);
    outline(text, OnError::Collect, ahead).expect("faults are collected")
}

/// How the rows are cut into pieces may differ; what they are may not.
fn same_structure(one: &Outline, other: &Outline) {
    assert_eq!(one.faults, other.faults);
    assert_eq!(one.events, other.events);
    assert_eq!(one.blocks.len(), other.blocks.len());
    for (a, b) in one.blocks.iter().zip(&other.blocks) {
        assert_eq!((&a.name, a.start, a.end, a.version), (&b.name, b.start, b.end, b.version));
        assert_eq!(a.parts.len(), b.parts.len());
        for (a, b) in a.parts.iter().zip(&b.parts) {
            assert_eq!((a.start(), a.end(), a.rows()), (b.start(), b.end(), b.rows()));
            assert!(a.labels().eq(b.labels()));
        }
        let mut events = [a, b].map(|block| block.events.iter().copied().collect::<Vec<_>>());
        events.iter_mut().for_each(|events| events.sort_by_key(|event| (event.code, event.offset)));
        assert_eq!(events[0], events[1]);
    }
}

fn grids_agree(text: &[u8], found: &Outline) {
    for part in found.blocks.iter().flat_map(|block| &block.parts) {
        let Part::Loop(table) = part else { continue };
        for piece in &table.pieces {
            let words = |chunk: usize, wanted: usize| {
                let grids = Grids::new(text, 0, piece, table.labels.len(), chunk).expect("within the text");
                let mut grids = grids.of_first(wanted);
                let mut grid = Grid::default();
                let mut words: Vec<Vec<u64>> = vec![Vec::new(); wanted];
                let mut rows = 0;
                while grids.next(&mut grid) {
                    rows += grid.rows as u64;
                    for (column, words) in words.iter_mut().enumerate() {
                        words.extend(grid.values(column, 0).flat_map(|(word, _, at)| [at, word.len() as u64]));
                    }
                }
                assert_eq!(rows, piece.rows, "rows of {piece:?} with chunks of {chunk}");
                words
            };
            let whole = words(1 << 20, table.labels.len());
            for chunk in [1, 2, 3, 7, 16, 61, 64, 65, 200] {
                for wanted in [1, table.labels.len().div_ceil(2), table.labels.len()] {
                    assert_eq!(words(chunk, wanted), whole[..wanted], "{wanted} words, chunks of {chunk}");
                }
            }
        }
    }
}

fn check(text: &[u8]) {
    let whole = outlined(text, None);
    same_structure(&whole, &outline(Narrow(text), OnError::Collect, None).expect("collected"));
    for threads in [2, 3, 7] {
        let shared = outline_shared(&mut &*text, OnError::Collect, None, threads, &mut Memory::default());
        same_structure(&whole, &shared.expect("collected"));
        let raised = |found: Result<Outline, Stop>| match found {
            Ok(found) => Ok(found),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::Error(_)) => unreachable!("a text in memory has no errors of its own"),
        };
        let one = raised(outline(text, OnError::Raise, None));
        let shared = raised(outline_shared(&mut &*text, OnError::Raise, None, threads, &mut Memory::default()));
        assert_eq!(one.map(|found| found.blocks.len()), shared.map(|found| found.blocks.len()));
    }
    for segment in [1, 3, 16, 64, 100, 1000] {
        same_structure(&whole, &outlined(text, Some(Cut { segment, after: 0, share: 1, loops: 9, column: 0 })));
    }
    grids_agree(text, &whole);
    for dtypes in [Dtypes::Relion, Dtypes::Infer, Dtypes::Text, Dtypes::Pandas(HashSet::new())] {
        let invalid_utf8 = if dtypes == Dtypes::Text { InvalidUtf8::Bytes } else { InvalidUtf8::Replace };
        let on_error = OnError::Collect;
        let strings = if dtypes == Dtypes::Infer { Strings::View } else { Strings::Large };
        let mut options = Options { dtypes, strings, invalid_utf8, on_error, threads: Some(1), ..Options::default() };
        let loaded = loaded(text);
        let one = read(&loaded, &options).expect("collected");
        for (threads, segment, after) in [(1, 30, 0), (2, 50, 0), (2, 7, 20), (7, 1, 0)] {
            options.threads = Some(threads);
            let other =
                read_cut(&loaded, &options, Cut { segment, after, share: 1, loops: 9, column: 0 }).expect("collected");
            assert!(same(&one, &other), "{threads} threads, segments of {segment} after {after}");
        }
        // From a file, piece by piece; an empty one, or one with CRs alone, is not told from a pipe.
        if options.dtypes == Dtypes::Relion && !text.is_empty() && (text.contains(&b'\n') || !text.contains(&b'\r')) {
            let file = tempfile::NamedTempFile::new().expect("a file");
            std::fs::write(file.path(), text).expect("written");
            let cut = Cut { segment: 40, after: 0, share: 1, loops: 1, column: 0 };
            let other = read_pieces(file.path(), &options, cut).expect("collected").expect("nobody writes to it");
            assert!(same(&one, &other), "from a file");
        }
        options.on_error = OnError::Raise;
        let _ = read(&loaded, &options);
    }
}

/// Lines that mean something, so that most texts get past the first one.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => Just("data_x\n".to_owned()),
        4 => Just("loop_\n".to_owned()),
        8 => "_(rlnVoltage|rlnTomoName|rlnTomoSizeX|rlnTomoVisibleFrames|rlnEnabled|foo)( #[0-9])?\n",
        12 => "( ?(1|-2.5|a|'b c'|\"\"|nan|<NA>|\\[1,2\\]|1e3|true|x#y|data_x|_z)){1,4} ?(# c)?\r?\n",
        2 => Just("\n".to_owned()),
        2 => Just("# version 3\n".to_owned()),
        2 => ";[ab]{0,3}\n",
        1 => Just(";\n".to_owned()),
        1 => "['\"a\u{7}\u{e9} ]{1,6}\n",
    ];
    let odd = proptest::collection::vec(any::<u8>(), 0..4);
    let piece = prop_oneof![20 => line.prop_map(String::into_bytes), 1 => odd];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&text);
    }

    #[test]
    fn any_lines(text in lines()) {
        check(&text);
    }

    #[test]
    fn many_rows(rows in 1usize..400, words in 1usize..6, odd in 0usize..400) {
        let mut text = b"data_x\nloop_\n".to_vec();
        (0..words).for_each(|word| text.extend(format!("_c{word}\n").into_bytes()));
        for row in 0..rows {
            let quote = if row == odd { "'" } else { "" };
            (0..words).for_each(|word| text.extend(format!(" {quote}{}{quote}", row * word).into_bytes()));
            text.push(b'\n');
        }
        check(&text);
        let found = outlined(&text, None);
        prop_assert_eq!(found.blocks[0].parts[0].rows(), rows as u64);
    }
}
