//! Geometry over whole sets; arrays come and go as Arrow columns.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatch;

use super::arrow::to_table;
use crate::geometry::{self, Images, Points, Tomogram};
use crate::parallel;

/// Projects particles into the images of their tomograms, and gives a row for each of both.
///
/// `images` has `x0` to `x3`, `y0` to `y3`, `depth0` to `depth3`, `defocus_u` and `defocus_v`; `tomograms` has `start`,
/// `stop`, `defocus_per_pixel`, `width` and `height`; `particles` has `owner`, `x`, `y` and `z`; `shifts`, if there are any,
/// have `x`, `y` and `z` for each row of the result. Lengths are in pixels, defocus in A; all are float64 but `start`,
/// `stop` and `owner`, which are int64. ValueError for columns that are lacking, of another type, with nulls, or that do
/// not go together.
#[pyfunction]
#[pyo3(signature = (images, tomograms, particles, shifts, radius, threads=None))]
pub fn places<'py>(
    py: Python<'py>,
    images: PyRecordBatch,
    tomograms: PyRecordBatch,
    particles: PyRecordBatch,
    shifts: Option<PyRecordBatch>,
    radius: f64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let (images, tomograms, particles) = (images.into_inner(), tomograms.into_inner(), particles.into_inner());
    let shifts = shifts.map(PyRecordBatch::into_inner);
    let row = |name: &str| -> PyResult<[&[f64]; 4]> {
        let entry = |at: usize| doubles(&images, &format!("{name}{at}"));
        Ok([entry(0)?, entry(1)?, entry(2)?, entry(3)?])
    };
    let images = Images {
        x: row("x")?,
        y: row("y")?,
        depth: row("depth")?,
        defocus_u: doubles(&images, "defocus_u")?,
        defocus_v: doubles(&images, "defocus_v")?,
    };
    let bounds = whole(&tomograms, "start")?.into_iter().zip(whole(&tomograms, "stop")?);
    let sizes = doubles(&tomograms, "width")?.iter().zip(doubles(&tomograms, "height")?);
    let tomograms: Vec<Tomogram> = bounds
        .zip(doubles(&tomograms, "defocus_per_pixel")?)
        .zip(sizes)
        .map(|(((start, stop), &defocus_per_pixel), (&width, &height))| {
            Ok(Tomogram { images: start..stop, defocus_per_pixel, image_size: [width, height] })
        })
        .collect::<PyResult<_>>()?;
    let owners = whole(&particles, "owner")?;
    let axes = three(&particles)?;
    let shifts = shifts.as_ref().map(three).transpose()?;
    let points = Points { owners: &owners, axes, shifts };
    let threads = threads.unwrap_or_else(parallel::available);
    let found = py.detach(|| geometry::places(&images, &tomograms, &points, radius, threads))?;
    let visible = BooleanArray::new(BooleanBuffer::from(found.visible), None);
    let double = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let columns: [(&str, ArrayRef); 6] = [
        ("x_px", double(found.x)),
        ("y_px", double(found.y)),
        ("depth_px", double(found.depth)),
        ("defocus_u", double(found.defocus_u)),
        ("defocus_v", double(found.defocus_v)),
        ("visible", Arc::new(visible)),
    ];
    to_table(py, &RecordBatch::try_from_iter(columns).map_err(odd)?)
}

fn three(batch: &RecordBatch) -> PyResult<[&[f64]; 3]> {
    Ok([doubles(batch, "x")?, doubles(batch, "y")?, doubles(batch, "z")?])
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> PyResult<&'a ArrayRef> {
    let found = batch.column_by_name(name).filter(|column| column.null_count() == 0);
    found.ok_or_else(|| odd(format!("there is no column {name:?} without nulls")))
}

fn doubles<'a>(batch: &'a RecordBatch, name: &str) -> PyResult<&'a [f64]> {
    let found = column(batch, name)?.as_primitive_opt::<Float64Type>();
    Ok(found.ok_or_else(|| odd(format!("column {name:?} is not of float64")))?.values())
}

/// Whole numbers as places; what is negative leads nowhere.
fn whole(batch: &RecordBatch, name: &str) -> PyResult<Vec<usize>> {
    let found = column(batch, name)?.as_primitive_opt::<Int64Type>();
    let values = found.ok_or_else(|| odd(format!("column {name:?} is not of int64")))?.values();
    Ok(values.iter().map(|&value| usize::try_from(value).unwrap_or(usize::MAX)).collect())
}

fn odd(what: impl ToString) -> PyErr {
    PyValueError::new_err(what.to_string())
}
