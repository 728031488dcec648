//! The rows of files, jobs, labels and problems, made of what was read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int64Builder, LargeBinaryBuilder, LargeListBuilder, LargeStringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;

use super::file::File;
use super::harvest::Known;
use super::jobs::Job;
use super::problems::Problem;
use super::schema;
use crate::error::{Result, StarError};
use crate::relion::labels as dictionary;

/// The columns `path`, `root` and `project` for so many rows of each file.
#[must_use]
pub fn origin<'f>(root: &str, rows: impl Iterator<Item = (&'f File, usize)>) -> Vec<ArrayRef> {
    let mut paths = LargeStringBuilder::new();
    let mut roots = LargeStringBuilder::new();
    let mut projects = LargeStringBuilder::new();
    for (file, count) in rows {
        for _ in 0..count {
            paths.append_value(&file.path);
            roots.append_value(root);
            projects.append_option(file.project.as_deref());
        }
    }
    vec![Arc::new(paths.finish()), Arc::new(roots.finish()), Arc::new(projects.finish())]
}

/// The table `files`, where `known` is what the catalogue has of them by path.
///
/// # Errors
/// Only for defects of ours, as all here.
pub fn of_files(root: &str, crawl: i64, known: &HashMap<String, Known>, files: &[File]) -> Result<RecordBatch> {
    let mut columns = origin(root, files.iter().map(|file| (file, 1)));
    let mut bytes = LargeBinaryBuilder::new();
    files.iter().for_each(|file| bytes.append_option(file.path_bytes.as_deref()));
    columns.insert(1, Arc::new(bytes.finish()));
    let known = |file: &File| known.get(&file.path);
    let changed = |file: &File| match known(file) {
        Some(known) if known.hash == file.hash => known.changed_crawl,
        _ => crawl,
    };
    let settled: BooleanArray = files.iter().map(|file| Some(file.is_settled())).collect();
    let is_listed = |file: &File| file.entry.error.is_none();
    columns.extend([
        words(files, |file| Some(file.name().to_owned())),
        whole(files, |file| is_listed(file).then_some(file.entry.size)),
        times(files, |file| is_listed(file).then_some(file.entry.mtime_ns)),
        whole(files, |file| is_listed(file).then_some(file.entry.mtime_ns)),
        whole(files, |file| is_listed(file).then_some(file.entry.inode)),
        words(files, |file| Some(file.kind.to_owned())),
        whole(files, |file| file.blocks),
        whole(files, |file| file.rows),
        whole(files, |file| i64::try_from(file.problems.len()).ok()),
        words(files, |file| Some(file.status().to_owned())),
        whole(files, |file| file.header),
        whole(files, |file| file.hash),
        Arc::new(settled),
        whole(files, |file| Some(known(file).map_or(crawl, |known| known.first_crawl))),
        whole(files, |file| Some(changed(file))),
    ]);
    to_batch(schema::files(), columns)
}

/// The table `problems`.
///
/// # Errors
/// As [`of_files`].
pub fn of_problems(root: &str, files: &[File]) -> Result<RecordBatch> {
    let mut columns = origin(root, files.iter().map(|file| (file, file.problems.len())));
    let all: Vec<&Problem> = files.iter().flat_map(|file| &file.problems).collect();
    let number = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    columns.extend([
        words(&all, |problem| Some(problem.code.id().to_owned())),
        words(&all, |problem| Some(problem.code.name().to_owned())),
        words(&all, |problem| Some(problem.severity.name().to_owned())),
        words(&all, |problem| Some(problem.message.clone())),
        words(&all, |problem| problem.block.clone()),
        words(&all, |problem| problem.label.clone()),
        whole(&all, |problem| number(problem.position.map(|position| position.line))),
        whole(&all, |problem| number(problem.position.map(|position| position.column))),
        whole(&all, |problem| number(Some(problem.count))),
    ]);
    to_batch(schema::problems(), columns)
}

/// The table `jobs`, of jobs with their projects.
///
/// # Errors
/// As [`of_files`].
pub fn of_jobs(root: &str, rows: &[(&str, &Job)]) -> Result<RecordBatch> {
    let options = |job: &Job| serde_json::to_string(&job.options).ok().filter(|_| !job.options.is_empty());
    let path = |project: &str| match project {
        "" => "default_pipeline.star".to_owned(),
        project => format!("{project}/default_pipeline.star"),
    };
    let columns = vec![
        words(rows, |(project, _)| Some(path(project))),
        words(rows, |_| Some(root.to_owned())),
        words(rows, |(project, _)| Some((*project).to_owned())),
        words(rows, |(_, job)| Some(job.name.clone())),
        whole(rows, |(_, job)| job.number),
        words(rows, |(_, job)| job.name.split('/').next().map(str::to_owned)),
        words(rows, |(_, job)| job.alias.clone()),
        words(rows, |(_, job)| job.type_label.clone()),
        words(rows, |(_, job)| job.status.clone()),
        words(rows, |(_, job)| job.marker.clone()),
        words(rows, |(_, job)| Some(job.state())),
        flags(rows, |(_, job)| job.is_continue),
        flags(rows, |(_, job)| job.is_tomo),
        words(rows, |(_, job)| options(job)),
        lists(rows, |(_, job)| job.inputs.clone()),
        lists(rows, |(_, job)| job.outputs.clone()),
        lists(rows, |(_, job)| job.upstream.iter().cloned().collect()),
        whole(rows, |(_, job)| job.order),
        whole(rows, |(_, job)| Some(job.files)),
        whole(rows, |(_, job)| Some(job.bytes)),
        times(rows, |(_, job)| job.started_ns),
        times(rows, |(_, job)| job.ended_ns),
        times(rows, |(_, job)| job.changed_ns),
    ];
    to_batch(schema::jobs(), columns)
}

/// The table `labels`: the labels of each header, once.
///
/// # Errors
/// As [`of_files`].
pub fn of_labels(files: &[File]) -> Result<RecordBatch> {
    let mut met = HashSet::new();
    let new = files.iter().filter(|file| file.header.is_some_and(|header| met.insert(header)));
    let rows: Vec<(&File, &str)> = new.flat_map(|file| file.labels.iter().map(move |label| (file, &**label))).collect();
    let known = |(_, label): &(&File, &str)| dictionary::known(label);
    let meant = |row: &(&File, &str)| match known(row) {
        Some(_) => None,
        None => dictionary::known_in_other_case(row.1).map(|known| known.name).or_else(|| dictionary::nearest(row.1)),
    };
    let unit = |unit: &str| (!unit.is_empty()).then(|| unit.to_owned());
    let columns = vec![
        whole(&rows, |(file, _)| file.header),
        words(&rows, |(file, _)| Some(file.kind.to_owned())),
        words(&rows, |(_, label)| Some((*label).to_owned())),
        flags(&rows, |row| Some(known(row).is_some())),
        words(&rows, |row| known(row).map(|known| known.kind.name().to_owned())),
        words(&rows, |row| known(row).and_then(|known| unit(known.unit))),
        words(&rows, |row| meant(row).map(str::to_owned)),
    ];
    to_batch(schema::labels(), columns)
}

fn words<R>(rows: &[R], value: impl Fn(&R) -> Option<String>) -> ArrayRef {
    let mut builder = LargeStringBuilder::new();
    rows.iter().for_each(|row| builder.append_option(value(row)));
    Arc::new(builder.finish())
}

fn whole<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    let mut builder = Int64Builder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(value(row)));
    Arc::new(builder.finish())
}

fn flags<R>(rows: &[R], value: impl Fn(&R) -> Option<bool>) -> ArrayRef {
    let mut builder = BooleanBuilder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(value(row)));
    Arc::new(builder.finish())
}

/// Times in nanoseconds as time stamps.
fn times<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    let mut builder = TimestampMicrosecondBuilder::with_capacity(rows.len()).with_timezone("UTC");
    rows.iter().for_each(|row| builder.append_option(value(row).map(|time| time.div_euclid(1000))));
    Arc::new(builder.finish())
}

fn lists<R>(rows: &[R], value: impl Fn(&R) -> Vec<String>) -> ArrayRef {
    let mut builder = LargeListBuilder::new(LargeStringBuilder::new());
    for row in rows {
        value(row).iter().for_each(|item| builder.values().append_value(item));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

/// A column that is filled later.
#[must_use]
pub fn nulls(rows: usize) -> ArrayRef {
    Arc::new(BooleanArray::new_null(rows))
}

/// # Errors
/// As [`of_files`].
pub fn to_batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns)
        .map_err(|error| StarError::Option(format!("the catalogue's columns do not fit its schema: {error}")))
}
