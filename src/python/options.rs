//! Reading options as Python hands them over.

use std::collections::{HashMap, HashSet};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::star::outline::OnError;
use crate::table::dtype::{Dtypes, InvalidUtf8, Options, Strings, Type};

/// Checked options of a reader.
#[pyclass(frozen, module = "tomoset._core")]
pub struct ReadOptions {
    pub inner: Options,
}

#[derive(FromPyObject)]
enum GivenDtypes {
    Word(String),
    Labels(HashMap<String, String>),
}

#[pymethods]
impl ReadOptions {
    #[new]
    #[pyo3(signature = (*, blocks, columns, dtypes, strings, on_error, invalid_utf8, memory_map, threads))]
    #[allow(clippy::too_many_arguments, reason = "keyword-only, gathered into one struct right here")]
    fn new(
        blocks: Option<Vec<String>>,
        columns: Option<Vec<String>>,
        dtypes: GivenDtypes,
        strings: &str,
        on_error: &str,
        invalid_utf8: &str,
        memory_map: bool,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let inner = Options {
            blocks,
            columns,
            dtypes: dtypes.check()?,
            strings: choose("strings", strings, STRINGS)?,
            on_error: choose("on_error", on_error, ON_ERROR)?,
            invalid_utf8: choose("invalid_utf8", invalid_utf8, INVALID_UTF8)?,
            memory_map,
            threads,
        };
        if threads == Some(0) {
            return Err(PyValueError::new_err("threads must be at least 1, or None for all"));
        }
        Ok(Self { inner })
    }

    /// For callers who want what pandas makes of a table: numbers where the CSV reader of pandas finds nothing but
    /// plain numbers in a loop's column, unless its label is in `text`; everything else, and every list, as text.
    #[staticmethod]
    fn for_pandas(text: HashSet<String>) -> Self {
        Self { inner: Options { dtypes: Dtypes::Pandas(text), ..Options::default() } }
    }
}

const STRINGS: &[(&str, Strings)] =
    &[("large_string", Strings::Large), ("view", Strings::View), ("dictionary", Strings::Dictionary)];
pub const ON_ERROR: &[(&str, OnError)] = &[("raise", OnError::Raise), ("collect", OnError::Collect)];
const INVALID_UTF8: &[(&str, InvalidUtf8)] =
    &[("replace", InvalidUtf8::Replace), ("latin-1", InvalidUtf8::Latin1), ("bytes", InvalidUtf8::Bytes)];
const DTYPES: &[(&str, Dtypes)] = &[("relion", Dtypes::Relion), ("infer", Dtypes::Infer), ("string", Dtypes::Text)];

impl GivenDtypes {
    fn check(self) -> PyResult<Dtypes> {
        match self {
            Self::Word(word) => choose("dtypes", &word, DTYPES),
            Self::Labels(labels) => {
                let parse = |(label, name): (String, String)| match Type::parse(&name) {
                    Some(kind) => Ok((label, kind)),
                    None => Err(PyValueError::new_err(format!(
                        "dtypes[{label:?}] is {name:?}; it must be one of float64, int64, bool, string, \
                         list<float64>, list<int64>"
                    ))),
                };
                labels.into_iter().map(parse).collect::<PyResult<_>>().map(Dtypes::Given)
            }
        }
    }
}

/// The value a word stands for.
pub fn choose<T: Clone>(option: &str, word: &str, choices: &[(&str, T)]) -> PyResult<T> {
    match choices.iter().find(|(name, _)| *name == word) {
        Some((_, value)) => Ok(value.clone()),
        None => {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            Err(PyValueError::new_err(format!("{option} is {word:?}; it must be one of {}", names.join(", "))))
        }
    }
}
