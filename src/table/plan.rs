//! Which columns of a table are read, under which names and as which types.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use arrow_schema::{DataType, Schema, SchemaRef};

use super::dtype::{Numbers, Options, Type, field};
use crate::relion::labels;
use crate::star::outline::{Label, Part};

/// The columns that are read from tables with one header.
#[derive(Clone, Debug)]
pub struct Plan {
    pub columns: Vec<Planned>,
    /// Words in each row, wanted or not.
    pub words: usize,
    pub numbers: Numbers,
    /// What the first table's columns were, as those of most others are.
    schema: OnceLock<SchemaRef>,
}

/// One column that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The column's name, which differs from the label where a label occurs twice.
    pub name: String,
    pub label: String,
    /// Which word of a row it is.
    pub source: usize,
    /// Nothing when the data must tell.
    pub kind: Option<Type>,
}

impl Plan {
    /// Plans a table; `columns` select and order by name.
    #[must_use]
    pub fn new(part: &Part, options: &Options) -> Self {
        Self::of(part.labels(), matches!(part, Part::List(_)), options)
    }

    /// Plans a table, a list or a loop, with these labels.
    #[must_use]
    pub fn of<'a>(labels: impl Iterator<Item = &'a Label>, is_list: bool, options: &Options) -> Self {
        let labels: Vec<&str> = labels.map(|label| &*label.name).collect();
        let names = unique_names(&labels, is_list);
        let planned = |source: usize| {
            let (name, label) = (names.get(source)?.clone(), (*labels.get(source)?).to_owned());
            let kind = if is_list { options.type_in_list(&label) } else { options.type_of(&label) };
            Some(Planned { name, label, source, kind })
        };
        let columns = match &options.columns {
            None => (0..labels.len()).filter_map(planned).collect(),
            Some(wanted) => {
                let mut called: HashMap<&str, Vec<usize>> = HashMap::new();
                for (index, (label, name)) in labels.iter().zip(&names).enumerate() {
                    called.entry(canonical(label)).or_default().push(index);
                    if name != label {
                        called.entry(name).or_default().push(index);
                    }
                }
                let mut taken = HashSet::new();
                let sources = wanted.iter().flat_map(|wanted| called.get(canonical(wanted))).flatten().copied();
                sources.filter(|source| taken.insert(*source)).filter_map(planned).collect()
            }
        };
        Self { columns, words: labels.len(), numbers: options.numbers(), schema: OnceLock::new() }
    }

    /// The columns' names, types, RELION's types and units.
    #[must_use]
    pub fn schema(&self, types: &[DataType]) -> SchemaRef {
        if let Some(known) = self.schema.get()
            && known.fields().iter().map(|field| field.data_type()).eq(types)
        {
            return Arc::clone(known);
        }
        let fields = self.columns.iter().zip(types).map(|(c, kind)| field(&c.name, &c.label, kind.clone()));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        // Of several kinds of tables the first is remembered.
        let _ = self.schema.set(Arc::clone(&schema));
        schema
    }

    /// For each column the word of a row it comes from.
    #[must_use]
    pub fn sources(&self) -> Vec<Option<usize>> {
        self.columns.iter().map(|column| Some(column.source)).collect()
    }

    /// Whether all columns are read, in their order.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.columns.len() == self.words && self.columns.iter().enumerate().all(|(at, column)| column.source == at)
    }

    /// Whether the types of all columns are known without a look at the data.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.columns.iter().all(|column| column.kind.is_some())
    }

    /// The names that the columns answer to, each as [`canonical`] has it.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().flat_map(|column| [canonical(&column.label), &*column.name])
    }
}

/// The name that RELION has for a label, whatever its spelling; an unknown label's own.
#[must_use]
pub fn canonical(label: &str) -> &str {
    labels::known(label).map_or(label, |known| known.canonical)
}

/// Names for labels that may repeat: the first of a loop and the last of a list keep the plain name, as RELION
/// would reach them; the others get `#2`, `#3`, ... (`docs/format.md`, rule 9).
fn unique_names(labels: &[&str], is_list: bool) -> Vec<String> {
    let mut names = vec![String::new(); labels.len()];
    let mut taken: HashSet<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    if is_list {
        order.reverse();
    }
    for index in order {
        let (Some(label), Some(name)) = (labels.get(index), names.get_mut(index)) else { continue };
        let seen = count.entry(label).or_insert(0);
        *seen += 1;
        *name = (*label).to_owned();
        while *seen > 1 {
            *name = format!("{label}#{seen}");
            // A label may itself look like a name with a number.
            if taken.insert(name.clone()) {
                break;
            }
            *seen += 1;
        }
    }
    names
}

/// Plans, made once for all loops that share their labels, and for lists whose labels are the same; all by the same
/// options.
#[derive(Default)]
pub struct Plans {
    /// By where the labels are, which therefore stay there.
    known: HashMap<usize, (Arc<[Label]>, Arc<Plan>)>,
    lists: Vec<(Vec<Box<str>>, Arc<Plan>)>,
}

/// So many lists are remembered.
const LISTS: usize = 4;

impl Plans {
    pub fn of(&mut self, part: &Part, options: &Options) -> Arc<Plan> {
        match part {
            Part::List(list) => {
                let names = list.items.iter().map(|item| &item.label.name);
                if let Some((_, plan)) = self.lists.iter().find(|(known, _)| known.iter().eq(names.clone())) {
                    return Arc::clone(plan);
                }
                let plan = Arc::new(Plan::new(part, options));
                self.lists.truncate(LISTS - 1);
                self.lists.insert(0, (names.cloned().collect(), Arc::clone(&plan)));
                plan
            }
            Part::Loop(table) => {
                let plan = || (Arc::clone(&table.labels), Arc::new(Plan::new(part, options)));
                Arc::clone(&self.known.entry(table.labels.as_ptr().addr()).or_insert_with(plan).1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_labels_get_numbers() {
        assert_eq!(unique_names(&["a", "b", "a", "a"], false), ["a", "b", "a#2", "a#3"]);
        assert_eq!(unique_names(&["a", "b", "a"], true), ["a#2", "b", "a"]);
    }

    #[test]
    fn old_spellings_answer_to_the_new_name() {
        assert_eq!(canonical("rlnKullbackLeibnerDivergence"), "rlnKullbackLeiblerDivergence");
        assert_eq!(canonical("a"), "a");
    }
}
