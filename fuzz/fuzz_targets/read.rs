//! Any bytes are read or refused, and alike by one thread and by two.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tomoset::source::load_bytes;
use tomoset::star::outline::OnError;
use tomoset::table::ahead::Cut;
use tomoset::table::dtype::{Dtypes, InvalidUtf8, Options, Strings};
use tomoset::table::read::{StarTables, read, read_cut};

fn same(one: &StarTables, other: &StarTables) -> bool {
    let mut blocks = one.blocks.iter().zip(&other.blocks);
    blocks.all(|(a, b)| a.tables.iter().zip(&b.tables).all(|(a, b)| a.batch() == b.batch()))
}

fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the options.
    let Some((&choice, text)) = bytes.split_first() else { return };
    let options = Options {
        dtypes: [Dtypes::Relion, Dtypes::Infer, Dtypes::Text][usize::from(choice % 3)].clone(),
        strings: [Strings::Large, Strings::View, Strings::Dictionary][usize::from(choice / 3 % 3)],
        invalid_utf8: [InvalidUtf8::Replace, InvalidUtf8::Latin1, InvalidUtf8::Bytes][usize::from(choice / 9 % 3)],
        on_error: OnError::Collect,
        threads: Some(1),
        ..Options::default()
    };
    let Ok(loaded) = load_bytes(text.to_vec().into()) else { return };
    let one = read(&loaded, &options).expect("faults are collected");
    let segment = 1 + u64::from(choice);
    let cut = Cut { segment, after: u64::from(choice % 2), share: 1, loops: 9, column: 0 };
    let two = read_cut(&loaded, &Options { threads: Some(2), ..options.clone() }, cut).expect("faults are collected");
    assert!(same(&one, &two));
    let _ = read(&loaded, &Options { on_error: OnError::Raise, ..options });
});
