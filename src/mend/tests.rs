//! Fixes of whole texts, made until none is left.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{CODES, mend};
use crate::star::diagnostic::Code;
use crate::star::outline::{OnError, outline};

/// Mends by some codes, or by all that lose nothing.
fn mended(text: &[u8], codes: &[Code]) -> Vec<u8> {
    let codes: HashSet<Code> = codes.iter().copied().collect();
    let mut text = text.to_vec();
    for _ in 0..12 {
        let found = mend(&text, &codes).expect("in memory");
        if found.made.is_empty() {
            assert_eq!(found.text, text);
            return text;
        }
        text = found.text;
    }
    panic!("there is no end to the fixes of {:?}", String::from_utf8_lossy(&text));
}

fn text(text: &[u8], codes: &[Code]) -> String {
    String::from_utf8(mended(text, codes)).expect("text")
}

const HEAD: &str = "data_x\nloop_\n_a\n_b\n_c\n";

#[test]
fn comments_go_above_their_loop() {
    let before = format!("{HEAD}1 2 3\n\n# one\n4 5 6\n# two\n7 8 9\n# end\n");
    let after = "data_x\n# one\n# two\nloop_\n_a\n_b\n_c\n1 2 3\n4 5 6\n7 8 9\n\n# end\n";
    assert_eq!(text(before.as_bytes(), &[Code::RowsAfterBlank, Code::CommentAmongRows]), after);
}

#[test]
fn what_stands_among_faulty_rows_stays() {
    let before = format!("{HEAD}1 2 3\n\n4 5\n6 7 8\n");
    assert_eq!(text(before.as_bytes(), CODES), before);
}

#[test]
fn labels_are_not_hidden_by_comments() {
    let before = b"data_x\nloop_\n_a kV _b#2\n1 2\n";
    assert_eq!(text(before, &[Code::LabelExtraText]), String::from_utf8_lossy(before));
    let after = "data_x\nloop_\n_a # kV\n_b #2\n1 2\n";
    assert_eq!(text(before, &[Code::LabelExtraText, Code::NumberGlued, Code::ManyLabelsOnLine]), after);
}

#[test]
fn lines_of_the_fixes() {
    let codes = HashSet::from([Code::BoolWord, Code::NotFinite]);
    let before = b"data_x\nloop_\n_rlnEnabled\n_rlnVoltage\nyes nan\nno nan\n";
    let made = mend(before, &codes).expect("in memory").made;
    let rows: Vec<_> = made.iter().map(|made| (made.code.id(), made.line, made.count)).collect();
    assert_eq!(rows, [("V104", 5, 2), ("V101", 5, 2)]);
}

proptest! {
    /// Whatever the text, fixes come to an end, and the blocks and numbers of rows stay.
    #[test]
    fn any_lines(lines in prop::collection::vec(
        prop::sample::select(vec![
            "data_x", "DATA_y # c", "loop_", "LOOP_ _a", "_a", "_b#2", "_rlnEnabled yes", "_a kV _b", "1 2", "1 yes 3",
            "# c", "", " ", ";x 1", ";", "'a b' 2\r", "1\r2", "\"a\x07\" b\" 1", "  _a 1", "nan <NA>", "stop_",
        ]), 0..20)
    ) {
        let before = lines.join("\n") + "\n";
        let safe: Vec<Code> = CODES.iter().copied().filter(|code| !matches!(code, Code::LabelCase | Code::UnknownLabel)).collect();
        let after = mended(before.as_bytes(), &safe);
        let shape = |text: &[u8]| {
            let found = outline(text, OnError::Collect, None).expect("collected");
            found.blocks.iter().map(|block| (block.name.to_string(), block.parts.iter().map(|part| part.rows()).sum::<u64>())).collect::<Vec<_>>()
        };
        prop_assert_eq!(shape(before.as_bytes()), shape(&after));
    }
}
