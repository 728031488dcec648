//! A whole text into tables: outline, plans, types, values, diagnostics.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, SchemaRef};

use super::ahead::{Ahead, Begun, Cut};
use super::decode::{self, Content, Layout, Member, Met, Misfit, OnMisfit};
use super::dtype::{Numbers, Options, Strings, Type};
use super::edit::kept::{Kept, Place as KeptPlace};
use super::fill::VIEW_WINDOW;
use super::infer::types;
use super::plan::{Plan, Plans, canonical};
use super::report::{Located, Report};
use super::stack::stack;
use crate::error::{Fault, Result, StarError};
use crate::near;
use crate::parallel;
use crate::relion::dialect;
use crate::source::{self, Bytes, Loaded, Stamp, Window};
use crate::star::diagnostic::Code;
use crate::star::outline::{Block, Memory, OnError, Outline, Part};
use crate::star::position::faulty;
use crate::star::text::Text;

/// A table of a block: rows of columns that equal tables of a text may share.
#[derive(Clone, Debug)]
pub struct Table {
    pub is_list: bool,
    pub plan: Arc<Plan>,
    stack: Arc<RecordBatch>,
    first: usize,
    rows: usize,
}

impl Table {
    /// The table's rows; a slice, nothing is copied.
    #[must_use]
    pub fn batch(&self) -> RecordBatch {
        self.stack.slice(self.first, self.rows)
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of all tables that share its columns, and which of them is the table's first.
    #[must_use]
    pub fn stack(&self) -> (&Arc<RecordBatch>, usize) {
        (&self.stack, self.first)
    }

    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.stack.schema()
    }
}

/// A block that was read.
#[derive(Clone, Debug)]
pub struct BlockTables {
    pub name: Box<str>,
    pub version: Option<i64>,
    pub tables: Vec<Table>,
    /// Which of the text's blocks it is.
    pub index: usize,
}

/// All that was read of a text.
#[derive(Clone, Debug)]
pub struct StarTables {
    pub blocks: Vec<BlockTables>,
    pub diagnostics: Vec<Located>,
    /// The text, to be written again; nothing for a block that was read alone.
    pub kept: Option<Arc<Kept>>,
}

impl StarTables {
    fn keeping(self, kept: Kept) -> Self {
        Self { kept: Some(Arc::new(kept)), ..self }
    }
}

/// Files from this size on are read piece by piece: the values go straight from the page cache into the columns,
/// and the text is never held as a whole.
const LARGE: u64 = 64 << 20;
/// How often a file is read anew that is written to meanwhile.
const TRIES: usize = 3;

/// Reads the file at a path.
///
/// # Errors
/// The first fault, unless faults are collected; a block or column that was asked for and is not there; what the
/// operating system says, and [`std::io::ErrorKind::UnexpectedEof`] for a file that keeps changing.
pub fn read_path(path: &Path, options: &Options) -> Result<StarTables> {
    let cut = Cut::default();
    let in_memory = options.memory_map || options.strings == Strings::View;
    if in_memory || source::open(path)?.1 < LARGE {
        return read(&source::load_path(path, options.memory_map, options.threads)?, options);
    }
    for _ in 1..TRIES {
        if let Some(found) = read_pieces(path, options, cut)? {
            return Ok(found);
        }
    }
    read_pieces(path, options, cut)?.ok_or_else(|| decode::changed().into())
}

/// Reads a file piece by piece; nothing when it was written to meanwhile.
///
/// # Errors
/// As [`read_path`].
pub fn read_pieces(path: &Path, options: &Options, cut: Cut) -> Result<Option<StarTables>> {
    let text = source::open_text(path)?;
    let cr_only = text.cr_only;
    let mut window = Window::new(text);
    let file = window.file()?;
    let source = Source { bytes: Bytes::File(&file), buffer: None, cr_only };
    let found = read_text(&mut window, source, options, cut, &mut Known::default());
    // Of the file that is kept open, which is the one at the path or an unpacked copy.
    let stamp = Stamp::of(&file)?;
    let untouched = window.is_untouched()?;
    match found {
        Err(_) if !untouched => Ok(None),
        Err(error) => Err(error),
        Ok((found, outline)) => {
            let kept = Kept { outline, place: KeptPlace::File { file, stamp }, cr_only };
            Ok(untouched.then(|| found.keeping(kept)))
        }
    }
}

/// Reads a text that is in memory.
///
/// # Errors
/// As [`read_path`].
pub fn read(loaded: &Loaded, options: &Options) -> Result<StarTables> {
    read_cut(loaded, options, Cut::default())
}

/// As [`read`], long loops being cut as is said.
///
/// # Errors
/// As [`read_path`].
pub fn read_cut(loaded: &Loaded, options: &Options, cut: Cut) -> Result<StarTables> {
    read_loaded(loaded, options, cut, &mut Known::default())
}

/// What is kept from one text to the next, all read with the same options, to save time where they are alike.
#[derive(Default)]
pub struct Known {
    outlines: Memory,
    plans: Plans,
}

/// As [`read`], for one of many texts.
///
/// # Errors
/// As [`read_path`].
pub fn read_with(loaded: &Loaded, options: &Options, known: &mut Known) -> Result<StarTables> {
    read_loaded(loaded, options, Cut::default(), known)
}

fn read_loaded(loaded: &Loaded, options: &Options, cut: Cut, known: &mut Known) -> Result<StarTables> {
    let mut text = loaded.buffer.as_slice();
    let bytes = Bytes::Memory { text, base: 0 };
    let source = Source { bytes, buffer: Some(&loaded.buffer), cr_only: loaded.cr_only };
    let (found, outline) = read_text(&mut text, source, options, cut, known)?;
    Ok(found.keeping(Kept { outline, place: KeptPlace::Memory(loaded.buffer.clone()), cr_only: loaded.cr_only }))
}

/// Where a text's bytes are had from.
#[derive(Clone, Copy)]
struct Source<'a> {
    bytes: Bytes<'a>,
    /// The text itself, if it is in memory, for columns that point into it.
    buffer: Option<&'a Buffer>,
    cr_only: bool,
}

fn read_text<T: Text>(
    text: &mut T,
    source: Source<'_>,
    options: &Options,
    cut: Cut,
    known: &mut Known,
) -> Result<(StarTables, Outline)> {
    let Source { bytes, buffer, cr_only } = source;
    let mut ahead = Ahead::reading(bytes, text.length(), options, cut);
    let mut found = ahead.outline(text, options.on_error, cr_only, &mut known.outlines)?;
    dialect::examine(&mut found, text)?;
    let mut report = Report::default();
    report.add_outline(&found);
    let wanted = select(&found, options)?;
    let plans = &mut known.plans;
    let reader = Reader { bytes, buffer, options, report, cut, begun: ahead.into_begun(), plans };
    let tables = reader.read(&wanted, text)?;
    Ok((tables, found))
}

/// Reads one block of an outline of `text`, whose bytes are had from `bytes` or, if it is in memory, `buffer`.
///
/// # Errors
/// As [`read_path`].
pub fn read_block<T: Text>(
    outline: &Outline,
    index: usize,
    text: &mut T,
    bytes: Bytes<'_>,
    buffer: Option<&Buffer>,
    options: &Options,
) -> Result<StarTables> {
    let Some(block) = outline.blocks.get(index) else {
        return Err(StarError::Option(format!("there is no block {index}; there are {}", outline.blocks.len())));
    };
    let (cut, begun, plans) = (Cut::default(), HashMap::new(), &mut Plans::default());
    Reader { bytes, buffer, options, report: Report::default(), cut, begun, plans }.read(&[(index, block)], text)
}

/// The blocks that were asked for, in file order.
///
/// # Errors
/// A name that no block has.
pub fn select<'a>(outline: &'a Outline, options: &Options) -> Result<Vec<(usize, &'a Block)>> {
    let all = outline.blocks.iter().enumerate();
    let Some(names) = &options.blocks else { return Ok(all.collect()) };
    let known: HashSet<&str> = outline.blocks.iter().map(|block| &*block.name).collect();
    for name in names {
        if !known.contains(&**name) {
            let hint = near::hint(name, "data_", outline.blocks.iter().map(|block| &*block.name));
            return Err(StarError::MissingBlock { name: name.clone(), hint, path: None });
        }
    }
    let wanted: HashSet<&str> = names.iter().map(|name| &**name).collect();
    Ok(all.filter(|(_, block)| wanted.contains(&*block.name)).collect())
}

/// A table of a text, named by its block's and its own index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: usize,
    part: usize,
}

/// Tables with the same columns, which become one stack.
struct Group {
    plan: Arc<Plan>,
    types: Vec<Type>,
    places: Vec<Place>,
    /// The only table's rows, as far as they were read ahead.
    begun: Option<Begun>,
}

struct Reader<'r> {
    bytes: Bytes<'r>,
    /// The text itself, for columns that point into it.
    buffer: Option<&'r Buffer>,
    options: &'r Options,
    report: Report,
    cut: Cut,
    /// Loops that were read ahead, by where they start.
    begun: HashMap<u64, Begun>,
    plans: &'r mut Plans,
}

impl<'r> Reader<'r> {
    /// Reads blocks of `text`, which says where faults and diagnostics are.
    fn read<T: Text>(mut self, chosen: &[(usize, &'r Block)], text: &mut T) -> Result<StarTables> {
        let blocks: Vec<&Block> = chosen.iter().map(|(_, block)| *block).collect();
        let blocks = blocks.as_slice();
        let groups = self.groups(blocks)?;
        self.check_columns(blocks, &groups)?;
        let mut tables: Vec<(Place, Table)> = Vec::new();
        let mut misfits: Vec<Fault> = Vec::new();
        for group in groups {
            self.read_group(blocks, group, &mut tables, &mut misfits)?;
        }
        if self.options.on_error == OnError::Raise
            && let Some(first) = misfits.into_iter().min_by_key(|fault| fault.offset)
        {
            return Err(faulty(first, text));
        }
        tables.sort_unstable_by_key(|(place, _)| *place);
        let mut tables = tables.into_iter().peekable();
        let read = |(at, (index, block)): (usize, &(usize, &Block))| {
            let mut own = Vec::with_capacity(block.parts.len());
            while let Some((_, table)) = tables.next_if(|(place, _)| place.block == at) {
                own.push(table);
            }
            BlockTables { name: block.name.clone(), version: block.version, tables: own, index: *index }
        };
        let blocks = chosen.iter().enumerate().map(read).collect();
        Ok(StarTables { blocks, diagnostics: self.report.locate(text)?, kept: None })
    }

    fn threads_for(&self, bytes: u64) -> usize {
        parallel::threads_for(bytes, self.cut.share, self.options.threads)
    }

    fn groups(&mut self, blocks: &[&'r Block]) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        let mut known: HashMap<(*const Plan, Vec<Type>), usize> = HashMap::new();
        for (block, parts) in blocks.iter().enumerate() {
            for (index, part) in parts.parts.iter().enumerate() {
                let place = Place { block, part: index };
                if let Some(begun) = self.begun.remove(&part.start()) {
                    let (plan, types) = (Arc::clone(&begun.plan), begun.stack.types.clone());
                    groups.push(Group { plan, types, places: vec![place], begun: Some(begun) });
                    continue;
                }
                let plan = self.plans.of(part, self.options);
                // Of thousands of blocks alike, each but the first joins the group before.
                let before = groups.last_mut().filter(|group| group.begun.is_none() && Arc::ptr_eq(&group.plan, &plan));
                if let Some(group) = before.filter(|_| plan.is_settled()) {
                    group.places.push(place);
                    continue;
                }
                let threads = self.threads_for(part.end() - part.start());
                let types = types(&plan, &member(part, &plan, self.bytes), threads)?;
                let key = (Arc::as_ptr(&plan), types.clone());
                match known.get(&key).and_then(|&at| groups.get_mut(at)) {
                    Some(group) => group.places.push(place),
                    None => {
                        known.insert(key, groups.len());
                        groups.push(Group { plan, types, places: vec![place], begun: None });
                    }
                }
            }
        }
        Ok(groups)
    }

    /// Every column that was asked for must be somewhere.
    fn check_columns(&self, blocks: &[&Block], groups: &[Group]) -> Result<()> {
        let Some(wanted) = &self.options.columns else { return Ok(()) };
        let answers: HashSet<&str> = groups.iter().flat_map(|group| group.plan.answers()).collect();
        for name in wanted {
            if !answers.contains(canonical(name)) {
                let block = match blocks {
                    [only] => Some(only.name.to_string()),
                    _ => None,
                };
                let labels = blocks.iter().flat_map(|block| &block.parts).flat_map(Part::labels);
                let hint = near::hint(name, "_", labels.map(|label| &*label.name));
                return Err(StarError::MissingLabel { label: name.clone(), block, hint, path: None });
            }
        }
        Ok(())
    }

    fn read_group(
        &mut self,
        blocks: &[&'r Block],
        mut group: Group,
        tables: &mut Vec<(Place, Table)>,
        misfits: &mut Vec<Fault>,
    ) -> Result<()> {
        let part = |place: &Place| blocks.get(place.block).and_then(|block| block.parts.get(place.part));
        let parts: Vec<&Part> = group.places.iter().filter_map(part).collect();
        let bytes = self.bytes;
        let members: Vec<Member<'_>> = parts.iter().map(|part| member(part, &group.plan, bytes)).collect();
        let (batch, met) = match (group.begun.take(), parts.first()) {
            (Some(begun), Some(part)) => match complete(begun, part, bytes)? {
                // What the first rows told about the types does not hold for all.
                (_, met) if group.plan.numbers == Numbers::Pandas && is_misread(&met, &group.types) => {
                    let size = part.end() - part.start();
                    if let Some(member) = members.first() {
                        group.types = types(&group.plan, member, self.threads_for(size))?;
                    }
                    self.read_members(&group, &members, size)?
                }
                read => read,
            },
            _ => {
                let size = parts.iter().map(|part| part.end() - part.start()).sum();
                self.read_members(&group, &members, size)?
            }
        };
        let kinds = kinds(&met);
        if kinds.len() > 1 {
            for (_, indices) in kinds {
                let places = indices.iter().filter_map(|&index| group.places.get(index).copied()).collect();
                let (plan, types) = (Arc::clone(&group.plan), group.types.clone());
                self.read_group(blocks, Group { plan, types, places, begun: None }, tables, misfits)?;
            }
            return Ok(());
        }
        let batch = Arc::new(batch);
        let mut first = 0;
        for ((place, member), met) in group.places.iter().zip(&members).zip(&met) {
            let block = blocks.get(place.block).map_or("", |block| &block.name);
            let faults = faults(&group, met, block, self.options.on_error);
            let is_list = matches!(member.content, Content::List { .. });
            let plan = Arc::clone(&group.plan);
            let table = Table { is_list, plan, stack: Arc::clone(&batch), first, rows: member.rows };
            first += member.rows;
            // Of a column that is given as text, what its values were as numbers is no longer of interest.
            for (column, met) in group.plan.columns.iter().zip(met).filter(|(_, met)| met.misfit.is_none()) {
                self.report.add_met(met, block, &column.label);
            }
            if faults.is_empty() {
                tables.push((*place, table));
                continue;
            }
            if self.options.on_error == OnError::Raise {
                misfits.extend(faults);
                continue;
            }
            // Columns that do not fit are given as text, for this table alone.
            let mut types = group.types.clone();
            for ((kind, met), column) in types.iter_mut().zip(met).zip(&group.plan.columns) {
                if met.misfit.is_some() {
                    *kind = Type::Text;
                    debug_assert!(faults.iter().any(|fault| fault.label.as_deref() == Some(&column.label)));
                }
            }
            faults.iter().for_each(|fault| self.report.add_fault(fault, 1));
            let alone = Group { plan: Arc::clone(&group.plan), types, places: vec![*place], begun: None };
            let size = member.range().1 - member.range().0;
            let (batch, _) = self.read_members(&alone, std::slice::from_ref(member), size)?;
            let plan = Arc::clone(&group.plan);
            tables.push((*place, Table { is_list, plan, stack: Arc::new(batch), first: 0, rows: member.rows }));
        }
        Ok(())
    }

    fn read_members(&self, group: &Group, members: &[Member<'_>], size: u64) -> Result<(RecordBatch, Vec<Vec<Met>>)> {
        let Options { strings, invalid_utf8, .. } = *self.options;
        let threads = self.threads_for(size);
        let numbers = self.options.numbers();
        let layout = Layout { strings, invalid_utf8, numbers, on_misfit: OnMisfit::Stop, threads };
        let views = match self.buffer {
            Some(buffer) if strings == Strings::View => windows(buffer),
            _ => Vec::new(),
        };
        let stacked = stack(&group.types, members, layout, &views)?;
        let rows = members.iter().map(|member| member.rows).sum();
        Ok((batch(&group.plan, stacked.columns, rows)?, stacked.met))
    }
}

/// Whether some number did not fit.
fn is_misread(met: &[Vec<Met>], types: &[Type]) -> bool {
    met.iter().any(|met| met.iter().zip(types).any(|(met, kind)| met.misfit.is_some() && *kind != Type::Text))
}

/// Tables by which of their columns are binary or cannot be views: a table's types are its own, and do not come of what
/// other blocks hold.
fn kinds(met: &[Vec<Met>]) -> BTreeMap<Vec<usize>, Vec<usize>> {
    let mut kinds: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    if met.iter().flatten().any(|met| met.binary) {
        for (index, met) in met.iter().enumerate() {
            let binary = met.iter().enumerate().filter(|(_, met)| met.binary).map(|(column, _)| column);
            kinds.entry(binary.collect()).or_default().push(index);
        }
    }
    kinds
}

/// Reads what is left of a loop that was read ahead.
fn complete(mut begun: Begun, part: &Part, bytes: Bytes<'_>) -> Result<(RecordBatch, Vec<Vec<Met>>)> {
    let met = begun.complete(part, bytes)?;
    let rows = begun.stack.rows();
    if rows as u64 != part.rows() {
        return Err(decode::changed().into());
    }
    Ok((batch(&begun.plan, begun.stack.finish(&[])?, rows)?, vec![met]))
}

fn member<'a>(part: &'a Part, plan: &Plan, bytes: Bytes<'a>) -> Member<'a> {
    Member::of(part, plan.words, plan.sources(), bytes)
}

/// Columns under their names, with RELION's types and units.
///
/// # Errors
/// Columns of different lengths, which is a defect of ours.
pub fn batch(plan: &Plan, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let types: Vec<DataType> = columns.iter().map(|array| array.data_type().clone()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(plan.schema(&types), columns, &options)
        .map_err(|error| StarError::Option(format!("columns do not fit together: {error}")))
}

/// Faults for the values of a table that do not fit their columns.
pub(crate) fn misfit_fault(misfit: &Misfit, kind: Type, block: &str, label: &str, code: Code) -> Fault {
    Fault {
        code,
        offset: misfit.offset,
        block: Some(block.to_owned()),
        label: Some(label.to_owned()),
        expected: kind.words().to_owned(),
        found: misfit.found.clone(),
    }
}

fn faults(group: &Group, met: &[Met], block: &str, on_error: OnError) -> Vec<Fault> {
    let code = match on_error {
        OnError::Raise => Code::BadValue,
        OnError::Collect => Code::TextFallback,
    };
    let columns = group.plan.columns.iter().zip(&group.types).zip(met);
    columns
        .filter_map(|((column, &kind), met)| {
            let misfit = met.misfit.as_ref()?;
            Some(misfit_fault(misfit, kind, block, &column.label, code))
        })
        .collect()
}

/// Windows on a text that views can point into: an offset within one has 31 bits.
fn windows(buffer: &Buffer) -> Vec<Buffer> {
    let length = buffer.len() as u64;
    let starts = (0..).map(|index| index * VIEW_WINDOW).take_while(|&start| start < length.max(1));
    let longest = u64::from(i32::MAX.unsigned_abs());
    starts
        .map(|start| {
            let take = (length - start).min(longest);
            let at = |value| usize::try_from(value).unwrap_or(usize::MAX);
            buffer.slice_with_length(at(start), at(take))
        })
        .collect()
}
