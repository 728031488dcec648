//! Reads a tomogram set of RELION 5 into Arrow and says what it holds.
//!
//! ```text
//! cargo run --release --example read_set -- PROJECT Tomograms/job007/tomograms.star
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use tomoset::table::dtype::Options;
use tomoset::table::read::read_path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(project), Some(set)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_set PROJECT SET, the set's path being relative to the project".into());
    };
    print!("{}", summary(Path::new(&project), Path::new(&set))?);
    Ok(())
}

/// A line for each tomogram of a set: its tilt images, their angles, dose and defocus.
pub fn summary(project: &Path, set: &Path) -> Result<String, Box<dyn Error>> {
    let tomograms = table(&project.join(set), "global", &["rlnTomoName", "rlnTomoTiltSeriesStarFile"])?;
    let names = tomograms.column(0).as_string::<i64>();
    let files = tomograms.column(1).as_string::<i64>();
    let wanted = ["rlnTomoNominalStageTiltAngle", "rlnMicrographPreExposure", "rlnDefocusU"];
    let mut text = String::new();
    for (name, file) in names.iter().flatten().zip(files.iter().flatten()) {
        // RELION's paths are relative to the project, and a tilt series' block has the tomogram's name.
        let tilts = table(&project.join(file), name, &wanted)?;
        let column = |at: usize| tilts.column(at).as_primitive::<Float64Type>().values();
        let (lowest, highest) = range(column(0));
        let (_, dose) = range(column(1));
        let defocus = column(2).iter().sum::<f64>() / tilts.num_rows() as f64 / 1e4;
        let images = tilts.num_rows();
        writeln!(
            text,
            "{name}: {images} images, {lowest:.1} to {highest:.1} deg, {dose:.1} e/A^2, defocus {defocus:.2} um"
        )?;
    }
    Ok(text)
}

/// Some columns of a block that is a loop or a list, typed by RELION's labels.
fn table(path: &Path, block: &str, labels: &[&str]) -> Result<RecordBatch, Box<dyn Error>> {
    let options = Options {
        blocks: Some(vec![block.to_owned()]),
        columns: Some(labels.iter().map(ToString::to_string).collect()),
        ..Options::default()
    };
    let found = read_path(path, &options).map_err(|fault| fault.at_path(Some(path)))?;
    let table = found.blocks.first().and_then(|block| block.tables.first());
    Ok(table.ok_or_else(|| format!("{}: block {block} is empty", path.display()))?.batch())
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
}
