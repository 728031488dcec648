"""The compiled part of tomoset."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from os import PathLike
from typing import Literal, TypeAlias, final

import pyarrow as pa

__all__ = [
    "Batches",
    "Draft",
    "Harvest",
    "Harvested",
    "Outline",
    "ReadOptions",
    "Replacement",
    "Stack",
    "StarTables",
    "Walk",
    "WriteOptions",
    "__version__",
    "append_path",
    "build_facts",
    "catalog_schemas",
    "diagnostic_codes",
    "entries_of",
    "examine_files",
    "find_places",
    "find_references",
    "harvest",
    "hint",
    "labels",
    "load_text",
    "look_up",
    "mend_text",
    "mendable_codes",
    "no_paths",
    "pack_text",
    "path_labels",
    "path_text",
    "places",
    "processors",
    "read_bytes",
    "read_path",
    "read_stack",
    "rebase_text",
    "replace_text",
    "scan_bytes",
    "scan_path",
    "stream_path",
    "walk_tree",
    "write_stack",
]
__version__: str

#: path, block, (time of the last change, size), rows, whether the file is of this table alone
_SourceRow: TypeAlias = tuple[str, str, tuple[int, int], int, bool]
#: first row, row after the last, header, name, source, which row of its file each was, file to make, file to replace
_FileRow: TypeAlias = tuple[int, int, int, str, _SourceRow | None, Sequence[int] | None, str, str]
_Severity: TypeAlias = Literal["fatal", "silent", "warning", "note"]
#: code, severity, offset, line, column, count, block, label, detail
_DiagnosticRow: TypeAlias = tuple[str, _Severity, int, int, int, int, str | None, str | None, str | None]

def build_facts() -> list[tuple[str, str]]: ...
def processors() -> int: ...
def labels() -> list[tuple[str, str, str, str]]: ...
def hint(asked: str, prefix: str, known: Sequence[str]) -> str: ...
def diagnostic_codes() -> list[tuple[str, str, _Severity, str, str, str]]: ...

@final
class ReadOptions:
    def __new__(
        cls,
        *,
        blocks: Sequence[str] | None,
        columns: Sequence[str] | None,
        dtypes: str | dict[str, str],
        strings: str,
        on_error: str,
        invalid_utf8: str,
        memory_map: bool,
        threads: int | None,
    ) -> ReadOptions: ...
    @staticmethod
    def for_pandas(text: set[str]) -> ReadOptions: ...

@final
class StarTables:
    def names(self) -> list[str]: ...
    def keeps_text(self) -> bool: ...
    def version(self, block: int) -> int | None: ...
    def tables(self, block: int) -> list[tuple[bool, int, list[str]]]: ...
    def table(self, block: int, index: int) -> pa.Table: ...
    def stacked(self) -> tuple[list[pa.Table], pa.Table]: ...
    def diagnostics(self) -> list[_DiagnosticRow]: ...

def read_path(path: str | PathLike[str], options: ReadOptions) -> StarTables: ...
def read_bytes(data: bytes, options: ReadOptions, name: str | None = None) -> StarTables: ...

@final
class Outline:
    def blocks(self) -> list[tuple[str, int | None, int, int]]: ...
    def tables(self, block: int) -> list[tuple[bool, int, list[str], int, int]]: ...
    def diagnostics(self) -> list[_DiagnosticRow]: ...
    def read(self, block: int, options: ReadOptions) -> StarTables: ...

def scan_path(path: str | PathLike[str], *, on_error: str, threads: int | None) -> Outline: ...
def scan_bytes(data: bytes, *, on_error: str, threads: int | None, name: str | None = None) -> Outline: ...

@final
class Batches:
    def schema(self) -> pa.Schema: ...
    def __iter__(self) -> Iterator[pa.RecordBatch]: ...
    def __next__(self) -> pa.RecordBatch: ...

def stream_path(
    path: str | PathLike[str],
    block: str | None,
    options: ReadOptions,
    batch_rows: int,
    name: str | None = None,
) -> Batches: ...

#: code, severity, line, column, count, block, label, message
_ProblemRow: TypeAlias = tuple[str, _Severity, int, int, int, str | None, str | None, str]

def entries_of(paths: Sequence[str | PathLike[str]]) -> pa.RecordBatch: ...
def examine_files(
    root: str | PathLike[str], entries: pa.RecordBatch, *, recall: bool = False, threads: int = 1
) -> list[tuple[str, list[_ProblemRow]]]: ...
def find_places(
    path: str | PathLike[str], sought: Sequence[tuple[str | None, int | None, str | None]]
) -> list[tuple[int, int] | None]: ...

#: folder, whether it is a project, fingerprint, entries, whether it is a part of a unit
_WalkedUnit: TypeAlias = tuple[bytes, bool, bytes, pa.RecordBatch, bool]

@final
class Walk:
    @property
    def counts(self) -> tuple[int, int, int]: ...
    @property
    def units(self) -> list[bytes]: ...
    @property
    def closed(self) -> list[bytes]: ...
    def __iter__(self) -> Iterator[_WalkedUnit]: ...
    def __next__(self) -> _WalkedUnit: ...

def walk_tree(
    root: str | PathLike[str],
    *,
    threads: int = 1,
    exclude: Sequence[str | PathLike[str]] = ...,
    starts: Sequence[tuple[bytes, tuple[bytes, bool] | None, bool]] = ...,
    known: Mapping[bytes, bytes] = ...,
) -> Walk: ...

@final
class Harvest:
    @property
    def gone(self) -> list[str]: ...
    @property
    def counts(self) -> tuple[int, int, int]: ...
    def jobs(self) -> pa.Table: ...
    def __iter__(self) -> Iterator[Harvested]: ...
    def __next__(self) -> Harvested: ...

@final
class Harvested:
    @property
    def num_bytes(self) -> int: ...
    @property
    def tables(self) -> dict[str, pa.Table]: ...

def harvest(
    root: str | PathLike[str],
    units: Sequence[tuple[bytes, bool, pa.RecordBatch]],
    known: pa.RecordBatch | None,
    *,
    crawl: int,
    now_ns: int,
    verify: bool = False,
    doubtful: Set[str] = ...,
    recall: bool = False,
    particles: bool = False,
    threads: int = 1,
    files_at_once: int = 4096,
    bytes_at_once: int = ...,
) -> Harvest: ...
def path_text(path: bytes) -> str: ...
def catalog_schemas() -> dict[str, pa.Schema]: ...

@final
class Stack:
    @property
    def table(self) -> pa.Table: ...
    @property
    def rows(self) -> list[int]: ...
    @property
    def header(self) -> list[int | None]: ...
    @property
    def headers(self) -> list[list[str]]: ...
    @property
    def stamps(self) -> list[tuple[int, int]]: ...
    @property
    def outside(self) -> list[int]: ...
    @property
    def faults(self) -> list[tuple[int, Exception]]: ...

def read_stack(
    paths: Sequence[str | PathLike[str]],
    options: ReadOptions,
    blocks: Sequence[str] | None = None,
    *,
    root: str | PathLike[str] | None = None,
    stay: bool = False,
) -> Stack: ...
def write_stack(
    batch: pa.RecordBatch,
    headers: Sequence[Sequence[str]],
    files: Sequence[_FileRow],
    reading: ReadOptions,
    writing: WriteOptions,
    *,
    edited: frozenset[str],
    durable: bool,
) -> None: ...
def places(
    images: pa.RecordBatch,
    tomograms: pa.RecordBatch,
    particles: pa.RecordBatch,
    shifts: pa.RecordBatch | None,
    radius: float,
    threads: int | None = None,
) -> pa.Table: ...

@final
class WriteOptions:
    def __new__(
        cls,
        *,
        floats: str,
        floats_by_label: dict[str, str],
        na: str,
        na_by_label: dict[str, str],
        layout: str,
        separator: int,
        booleans: str,
        any_types: bool,
        empty_loops: str,
        threads: int | None,
    ) -> WriteOptions: ...

@final
class Draft:
    def __new__(cls) -> Draft: ...
    def add_block(self, name: str) -> None: ...
    def add_table(self, table: pa.Table, is_list: bool) -> None: ...
    def keep_block(self, tables: StarTables, block: int, name: str | None) -> None: ...
    def edit_table(
        self, part: int, columns: list[tuple[str, int | None, pa.Array | None]], order: pa.Array | None
    ) -> None: ...
    def write_path(
        self, path: str | PathLike[str], options: WriteOptions, durable: bool, compression: str
    ) -> None: ...
    def to_bytes(self, options: WriteOptions) -> bytes: ...
    def write_to(self, write: Callable[[bytes], object], options: WriteOptions, compression: str) -> None: ...

@final
class Replacement:
    def __new__(cls, path: str | PathLike[str]) -> Replacement: ...
    def descriptor(self) -> int: ...
    def put(self, durable: bool) -> None: ...

def append_path(
    path: str | PathLike[str],
    columns: list[tuple[str, pa.Array]],
    rows: int,
    options: WriteOptions,
    durable: bool,
) -> None: ...

#: length, inode, seconds and nanoseconds of the last change
_Stamp: TypeAlias = tuple[int, int, int, int]

def mendable_codes() -> list[str]: ...
def path_labels() -> list[tuple[str, str]]: ...
def no_paths() -> list[str]: ...
def load_text(path: str | PathLike[str]) -> tuple[bytes, str, bool, _Stamp]: ...
def pack_text(text: bytes, packing: str) -> bytes: ...
def replace_text(
    path: str | PathLike[str], text: bytes, packing: str, stamp: _Stamp, *, durable: bool
) -> None: ...

#: code, line of the first, how many, what became of what
_MadeRow: TypeAlias = tuple[str, int, int, str | None]

def mend_text(text: bytes, codes: Sequence[str]) -> tuple[bytes, list[_MadeRow]]: ...

#: block, label, how many, new paths, examples of old and new, how many cannot be written
_MovedRow: TypeAlias = tuple[str, str, int, list[bytes], list[tuple[bytes, bytes]], int]

def rebase_text(
    text: bytes, old: bytes, new: bytes, without: Sequence[str]
) -> tuple[bytes, list[_MovedRow]] | None: ...
def look_up(root: str | PathLike[str], paths: Sequence[bytes]) -> list[tuple[bool, str, bool | None]]: ...
def find_references(
    root: str | PathLike[str], files: Sequence[str | PathLike[str]], threads: int | None = None
) -> tuple[pa.Table, list[tuple[int, str]]]: ...
