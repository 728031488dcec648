//! Diagnostics as people get them: sorted, counted, with line and column.

use std::io;

use super::decode::Met;
use crate::error::{Fault, Position};
use crate::relion::labels;
use crate::star::diagnostic::{Code, Diagnostic, Events};
use crate::star::outline::{Collected, Outline};
use crate::star::position::locate;
use crate::star::text::Text;

/// A diagnostic and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub diagnostic: Diagnostic,
    pub position: Position,
}

/// Diagnostics being gathered.
#[derive(Clone, Debug, Default)]
pub struct Report {
    all: Vec<Diagnostic>,
}

impl Report {
    /// What the outline met, and the faults it collected.
    pub fn add_outline(&mut self, outline: &Outline) {
        self.add_events(&outline.events, None, None);
        for block in &outline.blocks {
            self.add_events(&block.events, Some(&block.name), None);
            for event in &block.labels {
                let meant = match event.code {
                    Code::UnknownLabel | Code::LabelCase => labels::nearest(&event.label),
                    _ => None,
                };
                self.all.push(Diagnostic {
                    code: event.code,
                    offset: event.offset,
                    count: event.count,
                    block: Some(block.name.to_string()),
                    label: Some(event.label.to_string()),
                    detail: meant.map(|name| format!("perhaps {name} is meant")),
                });
            }
        }
        for Collected { fault, count } in &outline.faults {
            self.add_fault(fault, *count);
        }
    }

    /// What was met in the values of one column.
    pub fn add_met(&mut self, met: &Met, block: &str, label: &str) {
        self.add_events(&met.events, Some(block), Some(label));
    }

    pub fn add_fault(&mut self, fault: &Fault, count: u64) {
        self.all.push(Diagnostic {
            code: fault.code,
            offset: fault.offset,
            count,
            block: fault.block.clone(),
            label: fault.label.clone(),
            detail: Some(format!("expected {}, found {}", fault.expected, fault.found)),
        });
    }

    pub fn add(&mut self, code: Code, offset: u64) {
        self.push(Diagnostic { code, offset, count: 1, block: None, label: None, detail: None });
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    fn add_events(&mut self, events: &Events, block: Option<&str>, label: Option<&str>) {
        self.all.extend(events.iter().map(|event| Diagnostic {
            code: event.code,
            offset: event.offset,
            count: event.count,
            block: block.map(str::to_owned),
            label: label.map(str::to_owned),
            detail: None,
        }));
    }

    /// All diagnostics in file order.
    ///
    /// # Errors
    /// As [`Text::view`].
    pub fn locate<T: Text>(mut self, text: &mut T) -> io::Result<Vec<Located>> {
        if self.all.is_empty() {
            return Ok(Vec::new());
        }
        self.all.sort_by(|a, b| (a.offset, a.code, &a.label).cmp(&(b.offset, b.code, &b.label)));
        let offsets: Vec<u64> = self.all.iter().map(|diagnostic| diagnostic.offset).collect();
        let positions = locate(text, &offsets)?;
        let pair = |(diagnostic, position)| Located { diagnostic, position };
        Ok(self.all.into_iter().zip(positions).map(pair).collect())
    }
}
