//! The reader's layers, each on its own: masks, outline, values.
#![allow(clippy::panic, reason = "a benchmark has nobody to return an error to")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tomoset::source::{Loaded, load_bytes};
use tomoset::star::outline::{OnError, outline};
use tomoset::star::{number, simd};
use tomoset::table::dtype::{Dtypes, Options};
use tomoset::table::read::read;

/// A loop as RELION pads it: a name, integers and floats.
fn particles(rows: usize) -> String {
    let mut text = String::from("\n# version 50001\n\ndata_particles\n\nloop_ \n_rlnTomoName #1 \n");
    let floats = ["rlnCoordinateX", "rlnCoordinateY", "rlnAngleRot", "rlnAngleTilt", "rlnDefocusU", "rlnDefocusV"];
    for (index, label) in floats.iter().enumerate() {
        let _ = writeln!(text, "_{label} #{} ", index + 2);
    }
    text.push_str("_rlnClassNumber #8 \n_rlnOpticsGroup #9 \n");
    for row in 0..rows {
        let _ = write!(text, "{:>10} ", format!("TS_{:03}", row % 200));
        for column in 0..floats.len() {
            let value = (row * 7919 + column * 104_729) % 1_000_003;
            let _ = write!(text, "{:>12.6} ", f64::from(u32::try_from(value).unwrap_or(0)) / 37.0);
        }
        let _ = writeln!(text, "{:>12} {:>12} ", row % 5, 1);
    }
    text.push_str(" \n");
    text
}

/// As RELION writes trajectories: many blocks, each a small loop.
fn trajectories(blocks: usize) -> String {
    let mut text = String::new();
    for block in 0..blocks {
        let _ = write!(text, "\n# version 50001\n\ndata_TS_01/{block}\n\nloop_ \n");
        text.push_str("_rlnOriginXAngst #1 \n_rlnOriginYAngst #2 \n_rlnOriginZAngst #3 \n");
        for row in 0..41 {
            let _ = writeln!(text, "{:>12.6} {:>12.6} {:>12.6} ", row, block % 17, 0.25);
        }
        text.push_str(" \n");
    }
    text
}

fn loaded(text: &str) -> Loaded {
    load_bytes(text.as_bytes().to_vec().into()).unwrap_or_else(|error| panic!("{error}"))
}

fn options(dtypes: Dtypes) -> Options {
    Options { dtypes, ..Options::default() }
}

fn layers(criterion: &mut Criterion) {
    let text = particles(100_000);
    let whole = loaded(&text);
    let mut group = criterion.benchmark_group("particles");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    let mut masks = Vec::new();
    group.bench_function("classify", |bench| bench.iter(|| simd::classify(black_box(text.as_bytes()), &mut masks)));
    let mut edges = Vec::new();
    group.bench_function("edges", |bench| bench.iter(|| simd::edges(black_box(text.as_bytes()), &mut edges)));
    group.bench_function("outline", |bench| {
        bench.iter(|| outline(black_box(text.as_bytes()), OnError::Raise, None).is_ok());
    });
    for (name, dtypes) in [("relion", Dtypes::Relion), ("infer", Dtypes::Infer), ("string", Dtypes::Text)] {
        let options = options(dtypes);
        group.bench_function(format!("read {name}"), |bench| bench.iter(|| read(black_box(&whole), &options).is_ok()));
    }
    group.finish();
}

fn blocks(criterion: &mut Criterion) {
    let text = trajectories(5000);
    let whole = loaded(&text);
    let mut group = criterion.benchmark_group("trajectories");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    group.bench_function("outline", |bench| {
        bench.iter(|| outline(black_box(text.as_bytes()), OnError::Raise, None).is_ok());
    });
    let options = options(Dtypes::Relion);
    group.bench_function("read", |bench| bench.iter(|| read(black_box(&whole), &options).is_ok()));
    group.finish();
}

fn numbers(criterion: &mut Criterion) {
    let words: Vec<String> = (0..1000).map(|n| format!("{:.6}", f64::from(n) * 12.345)).collect();
    criterion.bench_function("number::float", |bench| {
        bench.iter(|| words.iter().filter_map(|word| number::float(black_box(word.as_bytes()))).sum::<f64>());
    });
}

criterion_group!(benches, layers, blocks, numbers);
criterion_main!(benches);
