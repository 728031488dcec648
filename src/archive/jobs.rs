//! The jobs of a project: what its pipeline, the jobs' own files and their exit markers say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};

use super::entries::{Entry, Sort, text_of};
use super::file::as_os;
use crate::error::Result;
use crate::star::outline::OnError;
use crate::table::dtype::{Dtypes, InvalidUtf8, Options};
use crate::table::read::{StarTables, read_path};

/// Pipelines and options of jobs are not larger than this.
const LARGEST: i64 = 64 << 20;

/// One job of a project.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Its folder in the project, such as `Import/job001`.
    pub name: String,
    pub number: Option<i64>,
    pub alias: Option<String>,
    pub type_label: Option<String>,
    /// As the pipeline has it.
    pub status: Option<String>,
    /// How the job said that it ended.
    pub marker: Option<String>,
    pub is_continue: Option<bool>,
    pub is_tomo: Option<bool>,
    pub options: BTreeMap<String, String>,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Jobs whose output it takes.
    pub upstream: BTreeSet<String>,
    /// Its place when all jobs are put after those whose output they take.
    pub order: Option<i64>,
    pub files: i64,
    pub bytes: i64,
    pub started_ns: Option<i64>,
    pub ended_ns: Option<i64>,
    pub changed_ns: Option<i64>,
}

impl Job {
    /// How it fared: what its marker says, or else the pipeline.
    #[must_use]
    pub fn state(&self) -> String {
        let word = self.marker.as_deref().or(self.status.as_deref());
        match word.map(str::to_ascii_lowercase).as_deref() {
            Some("success" | "succeeded") => "succeeded".into(),
            Some("failure" | "failed") => "failed".into(),
            Some(other) => other.into(),
            None => "unknown".into(),
        }
    }
}

/// The jobs of a project, in the order of their names.
///
/// Nothing that is wrong with the pipeline's or a job's file keeps the rest from being told: it is a problem of that file.
#[must_use]
pub fn jobs(root: &Path, folder: &[u8], entries: &[Entry], recall: bool) -> Vec<Job> {
    let mut found: BTreeMap<String, Job> = BTreeMap::new();
    for entry in entries {
        let Some((name, file)) = job_of(folder, &entry.path) else { continue };
        let job = found.entry(name).or_default();
        match entry.sort {
            // That of a program which the job runs, further down, is not its own.
            Sort::Marker if file.contains('/') => {}
            Sort::Marker => {
                job.marker = file.rsplit('_').next().map(str::to_ascii_lowercase);
                job.ended_ns = Some(entry.mtime_ns);
            }
            Sort::File => {
                job.files += 1;
                job.bytes += entry.size;
                job.changed_ns = job.changed_ns.max(Some(entry.mtime_ns));
                if file == "job.star" {
                    job.started_ns = Some(entry.mtime_ns);
                    if is_read(entry, recall) {
                        job.take_options(&root.join(as_os(&entry.path)));
                    }
                }
            }
            Sort::Link | Sort::Other | Sort::Folder => {}
        }
    }
    let pipeline = Path::new(as_os(folder)).join("default_pipeline.star");
    if entries.iter().any(|entry| as_os(&entry.path) == pipeline.as_os_str() && is_read(entry, recall)) {
        let _ = take_pipeline(&root.join(pipeline), &mut found);
    }
    put_in_order(&mut found);
    found.into_iter().map(|(name, job)| Job { number: number_of(&name), name, ..job }).collect()
}

/// Whether a file that tells of jobs is read: not from tape unless that is wished, and not if it is none of RELION's.
fn is_read(entry: &Entry, recall: bool) -> bool {
    entry.sort == Sort::File && entry.size <= LARGEST && (recall || !entry.is_offline())
}

/// The job whose folder a file lies in, and the file's path there.
fn job_of(folder: &[u8], path: &[u8]) -> Option<(String, String)> {
    let within = path.strip_prefix(folder)?;
    let within = if folder.is_empty() { within } else { within.strip_prefix(b"/")? };
    let within = text_of(within);
    let mut parts = within.splitn(3, '/');
    let (kind, job, file) = (parts.next()?, parts.next()?, parts.next()?);
    let name = format!("{kind}/{job}");
    number_of(&name).map(|_| (name, file.to_owned()))
}

/// The number of a job: 12 of `Polish/job012`.
fn number_of(name: &str) -> Option<i64> {
    let digits = name.rsplit('/').next()?.strip_prefix("job")?;
    (digits.len() >= 3).then(|| digits.parse().ok()).flatten()
}

fn read(path: &Path) -> Result<StarTables> {
    read_path(
        path,
        &Options {
            dtypes: Dtypes::Text,
            on_error: OnError::Collect,
            invalid_utf8: InvalidUtf8::Replace,
            threads: Some(1),
            ..Options::default()
        },
    )
}

fn table(tables: &StarTables, block: &str) -> Option<RecordBatch> {
    tables.blocks.iter().find(|found| &*found.name == block)?.tables.first().map(crate::table::read::Table::batch)
}

/// The texts of a column, row by row.
fn texts<'b>(batch: &'b RecordBatch, label: &str) -> Vec<Option<&'b str>> {
    let column = batch.column_by_name(label).and_then(|column| column.as_string_opt::<i64>());
    let Some(column) = column else { return vec![None; batch.num_rows()] };
    (0..batch.num_rows()).map(|row| column.is_valid(row).then(|| column.value(row))).collect()
}

impl Job {
    fn take_options(&mut self, path: &Path) {
        let Ok(tables) = read(path) else { return };
        if let Some(job) = table(&tables, "job") {
            let first = |label: &str| texts(&job, label).first().copied().flatten().map(str::to_owned);
            self.type_label = first("rlnJobTypeLabel");
            self.is_continue = first("rlnJobIsContinue").map(|value| value == "1");
            self.is_tomo = first("rlnJobIsTomo").map(|value| value == "1");
        }
        if let Some(values) = table(&tables, "joboptions_values") {
            let names = texts(&values, "rlnJobOptionVariable");
            for (name, value) in names.into_iter().zip(texts(&values, "rlnJobOptionValue")) {
                if let Some(name) = name {
                    self.options.insert(name.to_owned(), value.unwrap_or_default().to_owned());
                }
            }
        }
    }
}

fn take_pipeline(path: &Path, found: &mut BTreeMap<String, Job>) -> Result<()> {
    let tables = read(path)?;
    let plain = |name: &str| name.trim_end_matches('/').to_owned();
    if let Some(processes) = table(&tables, "pipeline_processes") {
        let column = |label: &str| texts(&processes, label);
        let facts = column("rlnPipeLineProcessAlias")
            .into_iter()
            .zip(column("rlnPipeLineProcessTypeLabel"))
            .zip(column("rlnPipeLineProcessStatusLabel"));
        for (name, ((alias, kind), status)) in column("rlnPipeLineProcessName").into_iter().zip(facts) {
            let Some(name) = name else { continue };
            let job = found.entry(plain(name)).or_default();
            job.alias = alias.filter(|alias| *alias != "None").map(plain);
            job.type_label = kind.map(str::to_owned).or(job.type_label.take());
            job.status = status.map(str::to_owned);
        }
    }
    let edges = |block: &str, from: &str, to: &str| -> Vec<(String, String)> {
        let Some(edges) = table(&tables, block) else { return Vec::new() };
        let pairs = texts(&edges, from).into_iter().zip(texts(&edges, to));
        pairs.filter_map(|(from, to)| Some((plain(from?), plain(to?)))).collect()
    };
    let mut makers = HashMap::new();
    for (job, node) in edges("pipeline_output_edges", "rlnPipeLineEdgeProcess", "rlnPipeLineEdgeToNode") {
        found.entry(job.clone()).or_default().outputs.push(node.clone());
        makers.insert(node, job);
    }
    for (node, job) in edges("pipeline_input_edges", "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess") {
        let own = found.entry(job.clone()).or_default();
        if let Some(maker) = makers.get(&node).filter(|maker| **maker != job) {
            own.upstream.insert(maker.clone());
        }
        own.inputs.push(node);
    }
    Ok(())
}

/// Numbers the jobs so that each comes after those whose output it takes, and otherwise by its own number.
fn put_in_order(jobs: &mut BTreeMap<String, Job>) {
    let key = |name: &String| (number_of(name).unwrap_or(i64::MAX), name.clone());
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    let mut takers: HashMap<&String, Vec<&String>> = HashMap::new();
    for (name, job) in &*jobs {
        let above = job.upstream.iter().filter(|above| jobs.contains_key(*above));
        waiting.insert(name.clone(), above.clone().count());
        above.for_each(|above| takers.entry(above).or_default().push(name));
    }
    let mut ready: BTreeSet<_> = waiting.iter().filter(|(_, above)| **above == 0).map(|(name, _)| key(name)).collect();
    let mut order = Vec::new();
    loop {
        let next = match ready.pop_first() {
            Some((_, name)) => name,
            // A circle, which no pipeline should have: it is cut at its lowest number.
            None => match waiting.keys().map(key).min() {
                Some((_, name)) => name,
                None => break,
            },
        };
        if waiting.remove(&next).is_none() {
            continue;
        }
        for taker in takers.get(&next).into_iter().flatten() {
            if let Some(above) = waiting.get_mut(*taker) {
                *above -= 1;
                if *above == 0 {
                    ready.insert(key(taker));
                }
            }
        }
        order.push(next);
    }
    for (place, name) in (0..).zip(order) {
        if let Some(job) = jobs.get_mut(&name) {
            job.order = Some(place);
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Vec<String> {
        let mut jobs: BTreeMap<String, Job> = edges
            .iter()
            .map(|(name, above)| {
                let upstream = above.iter().map(|&above| above.to_owned()).collect();
                ((*name).to_owned(), Job { upstream, ..Job::default() })
            })
            .collect();
        put_in_order(&mut jobs);
        let mut names: Vec<_> = jobs.into_iter().map(|(name, job)| (job.order, name)).collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn jobs_come_after_those_whose_output_they_take() {
        let found =
            graph(&[("B/job002", &["A/job010"]), ("A/job010", &[]), ("C/job003", &[]), ("D/job004", &["B/job002"])]);
        assert_eq!(found, ["C/job003", "A/job010", "B/job002", "D/job004"]);
    }

    #[test]
    fn circles_are_cut() {
        assert_eq!(graph(&[("A/job001", &["B/job002"]), ("B/job002", &["A/job001"])]), ["A/job001", "B/job002"]);
    }

    #[test]
    fn files_of_jobs() {
        let found = job_of(b"a/p", b"a/p/Import/job001/RELION_JOB_EXIT_SUCCESS").expect("a job");
        assert_eq!(found, ("Import/job001".to_owned(), "RELION_JOB_EXIT_SUCCESS".to_owned()));
        assert_eq!(job_of(b"", b"Import/job0012/x/y.star").map(|found| found.1), Some("x/y.star".to_owned()));
        for path in [&b"a/p/Import/job01/x"[..], b"a/p/Import/x.star", b"a/px/Import/job001/x", b"a/p/job001/x"] {
            assert_eq!(job_of(b"a/p", path), None);
        }
    }
}
