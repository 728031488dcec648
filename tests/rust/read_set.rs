//! The example `read_set`, and what `docs/howto/arrow.md` shows of it.

#![allow(clippy::expect_used)]

use std::path::Path;

#[allow(dead_code)]
#[path = "../../examples/read_set.rs"]
mod read_set;

const PAGE: &str = include_str!("../../docs/howto/arrow.md");
const SOURCE: &str = include_str!("../../examples/read_set.rs");
const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/oracle/geometry/relion5_plain");

#[test]
fn the_page_shows_what_it_prints() {
    let found = read_set::summary(Path::new(PROJECT), Path::new("tomograms.star")).expect("a set");
    assert_eq!(found.lines().count(), 4);
    assert!(PAGE.contains(&found), "{found}");
}

#[test]
fn the_page_shows_its_code() {
    let code = SOURCE.split_once("pub fn summary").expect("a function").1;
    assert!(PAGE.contains(&format!("pub fn summary{code}```")), "docs/howto/arrow.md has other code");
}

#[test]
fn faults_name_the_file() {
    let missing = read_set::summary(Path::new(PROJECT), Path::new("absent.star")).expect_err("no file");
    assert!(missing.to_string().contains("absent.star"), "{missing}");
    let other = Path::new("tilt_series/TS_01.star");
    let wrong = read_set::summary(Path::new(PROJECT), other).expect_err("no set");
    assert!(wrong.to_string().contains("no block named \"global\""), "{wrong}");
}
