//! Problems as rows: what the files' diagnostics become in the catalogue.

use crate::error::Position;
use crate::star::diagnostic::{Code, Diagnostic, Severity};
use crate::table::report::Located;

/// A row of the table `problems`, without the columns that say where it comes from.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub block: Option<String>,
    pub label: Option<String>,
    pub position: Option<Position>,
    pub count: u64,
}

impl Problem {
    /// A problem with a file as a whole.
    #[must_use]
    pub fn of_file(code: Code, detail: Option<&str>) -> Self {
        let message = worded(code, detail);
        Self { code, severity: code.severity(), message, block: None, label: None, position: None, count: 1 }
    }
}

impl From<Located> for Problem {
    fn from(located: Located) -> Self {
        let severity = located.diagnostic.severity();
        let Diagnostic { code, count, block, label, detail, .. } = located.diagnostic;
        let message = worded(code, detail.as_deref());
        Self { code, severity, message, block, label, position: Some(located.position), count }
    }
}

fn worded(code: Code, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{}: {detail}", code.message()),
        None => code.message().to_owned(),
    }
}

/// How a file fared, told by its problems.
#[must_use]
pub fn status(problems: &[Problem]) -> &'static str {
    let is_fault = |code: Code| code.id().as_bytes().get(1) == Some(&b'2') || code == Code::TextFallback;
    if problems.iter().any(|problem| problem.code == Code::Unreadable) {
        "unreadable"
    } else if problems.iter().any(|problem| problem.code == Code::Unstable) {
        "unstable"
    } else if problems.iter().any(|problem| is_fault(problem.code)) {
        "faulty"
    } else if problems.iter().any(|problem| problem.severity != Severity::Note) {
        "diagnosed"
    } else {
        "ok"
    }
}
