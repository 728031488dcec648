"""Several STAR files as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tomoset.exceptions import TomosetError, printable
from tomoset.optics import GROUP, OPTICS, JoinedOptics, OpticsError, has_groups, is_optics, renumbered
from tomoset.pairing import codes, occurrences
from tomoset.star import read_star

if TYPE_CHECKING:
    import os

    from tomoset.blocks import StarBlock
    from tomoset.star import StarFile

__all__ = ["Columns", "Duplicates", "MergeError", "Merged", "merge", "read_alike"]

Columns: TypeAlias = Literal["raise", "common", "all"]
Duplicates: TypeAlias = Literal["keep", "drop", "raise"]
Flags: TypeAlias = npt.NDArray[np.bool_]

#: Labels that name a particle, the better one first.
_PARTICLE_NAMES = ("rlnTomoParticleName", "rlnImageName")
_SHOWN = 5


class MergeError(TomosetError, ValueError):
    """Files that cannot be one."""


@dataclass(frozen=True)
class Merged:
    """Several files as one.

    Attributes
    ----------
    blocks : dict of str to StarBlock
        To be written by `write_star`.
    notes : tuple of str
        What was changed on the way: optics groups that were renumbered or renamed, rows that were left out.
    warnings : tuple of str
        What may be wrong: lists that do not agree, particles of one name.
    """

    blocks: dict[str, StarBlock]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Named:
    """A block and the file it is from."""

    file: str
    block: StarBlock


def read_alike(paths: Sequence[str | os.PathLike[str]]) -> list[StarFile]:
    """Read files for `merge`.

    A column of an unknown label whose values are numbers in one file and text in another one is read as text in all.

    Raises
    ------
    StarSyntaxError, StarTypeError, OSError
        As in `read_star`.
    """
    files = [read_star(path) for path in paths]
    kinds: dict[str, dict[str, set[str]]] = {}
    for star in files:
        for block in star.blocks:
            for field in (field for loop in block.loops for field in loop.schema):
                kinds.setdefault(block.name, {}).setdefault(field.name, set()).add(_kind(field.type))
    texts = {
        label: "string" for labels in kinds.values() for label, found in labels.items() if len(found) > 1
    }
    return [read_star(path, dtypes=texts) for path in paths] if texts else files


def _kind(dtype: pa.DataType) -> str:
    return "number" if pa.types.is_integer(dtype) or pa.types.is_floating(dtype) else str(dtype)


def merge(
    files: Sequence[StarFile],
    *,
    columns: Columns = "raise",
    na: Mapping[str, str] | None = None,
    duplicates: Duplicates = "keep",
) -> Merged:
    """Put the rows of several STAR files below one another, block by block.

    Blocks are matched by name. Optics groups stay consistent: groups of equal values are one, others get new
    numbers, in the particles too, and names of their own. The first file keeps its text, apart from columns that are
    left out or added.

    Parameters
    ----------
    files : sequence of StarFile
        Two or more, see `read_alike`.
    columns : {"raise", "common", "all"}
        What becomes of columns that some files lack: an error, left out, or filled up.
    na : mapping of label to str, optional
        For ``columns="all"``, what missing values are, ``"*"`` for all other labels; ``"keep"`` leaves them missing.
    duplicates : {"keep", "drop", "raise"}
        What becomes of rows whose ``rlnTomoParticleName``, or in blocks without it ``rlnImageName``, stands above:
        a warning, left out, or an error.

    Returns
    -------
    Merged

    Raises
    ------
    MergeError
        No files; columns that differ; particles of one name; blocks that are a list here and a loop there, that hold
        several tables or are there twice; columns of types that do not go together; `na` of another type.
    OpticsError
        Rows of optics groups that are not there.
    """
    if not files:
        raise MergeError("nothing to merge")
    notes: list[str] = []
    warnings: list[str] = []
    optics = _Optics(files)
    merged: dict[str, StarBlock] = {}
    for name, blocks in optics.blocks.items():
        lacking = len(files) - len(blocks)
        if lacking and name != OPTICS and not blocks[0].block.is_list:
            warnings.append(f"block {name!r} is not in {lacking} of {len(files)} files")
        if blocks[0].block.is_list:
            merged[name] = _one_list(blocks, warnings)
            continue
        alike = _alike(blocks, columns, na, notes)
        if name == OPTICS and all(is_optics(one.block) for one in alike):
            merged[name] = optics.join(alike)
            continue
        stacked = [optics.renumbered(one) for one in alike]
        label = _particle_name(blocks)
        if label is not None:
            files_of = [one.file for one in blocks]
            stacked = _deduplicated(stacked, files_of, label, duplicates, notes, warnings)
        merged[name] = _appended(stacked[0], [block.to_arrow() for block in stacked[1:]])
    found = optics.joined.notes if optics.joined is not None else []
    return Merged({name: merged[name] for name in optics.order}, tuple(found + notes), tuple(warnings))


class _Optics:
    """The blocks of all files by name, the optics groups first, for the others need their new numbers."""

    def __init__(self, files: Sequence[StarFile]) -> None:
        named = _by_name(files)
        self.order = list(named)
        self.blocks = {name: named[name] for name in sorted(named, key=lambda name: name != OPTICS)}
        self.joined: JoinedOptics | None = None
        self._numbers: dict[str, dict[int, int]] = {}
        self._check(named)

    def _check(self, named: Mapping[str, list[_Named]]) -> None:
        """Raise unless each file that has groups says what they are, or none does."""
        described = {one.file for one in named.get(OPTICS, []) if is_optics(one.block)}
        for name, blocks in named.items():
            for one in blocks:
                if described and has_groups(one.block) and one.file not in described:
                    raise OpticsError(
                        f"{one.file}: block {name!r} has {GROUP}, but there is no block 'optics' as in other files"
                    )

    def join(self, blocks: list[_Named]) -> StarBlock:
        """Merge the blocks of optics groups."""
        first = blocks[0].block
        self.joined = JoinedOptics.of(first.to_arrow(), blocks[0].file)
        self._numbers[blocks[0].file] = {group: group for group in self.joined.rows}
        tails = []
        for one in blocks[1:]:
            self._numbers[one.file], more = self.joined.add(one.block.to_arrow(), one.file)
            tails.append(more)
        return _appended(first, tails)

    def renumbered(self, one: _Named) -> StarBlock:
        """Give a block's rows the numbers of the joined groups."""
        if self.joined is None or not has_groups(one.block):
            return one.block
        if one.file not in self._numbers:
            raise OpticsError(
                f"{one.file}: it has no block 'optics' as other files have, to say what {GROUP} means"
            )
        try:
            return renumbered(one.block, self._numbers[one.file])
        except OpticsError as fault:
            raise OpticsError(f"{one.file}: {fault}") from None


def _by_name(files: Sequence[StarFile]) -> dict[str, list[_Named]]:
    """Give the blocks that hold something by name; those of one name are all lists or all loops."""
    paths = [star.path or "<memory>" for star in files]
    named: dict[str, list[_Named]] = {}
    for at, star in enumerate(files):
        # One file may be given twice.
        file = printable(paths[at], 1000) + (f" (file {at + 1})" if paths.count(paths[at]) > 1 else "")
        names = [block.name for block in star.blocks]
        for block in star.blocks:
            if names.count(block.name) > 1:
                raise MergeError(f"{file}: block {block.name!r} is there {names.count(block.name)} times")
            if (block.values and block.loops) or len(block.loops) > 1:
                raise MergeError(
                    f"{file}: block {block.name!r} holds {block.shape_text}; one table is merged"
                )
            if block:
                named.setdefault(block.name, []).append(_Named(file, block))
    for name, blocks in named.items():
        for one in blocks:
            if one.block.is_list != blocks[0].block.is_list:
                which = ("a list", "a loop") if one.block.is_list else ("a loop", "a list")
                raise MergeError(
                    f"block {name!r} is {which[0]} in {one.file}, and {which[1]} in {blocks[0].file}"
                )
    return named


def _one_list(blocks: list[_Named], warnings: list[str]) -> StarBlock:
    """Keep the first of several lists, and tell where others say something else."""
    first = blocks[0]
    values = first.block.values
    for one in blocks[1:]:
        others = one.block.values
        for label in dict.fromkeys([*values, *others]):
            here, there = (repr(found[label]) if label in found else "nothing" for found in (values, others))
            if here != there:
                warnings.append(
                    f"block {first.block.name!r}: {label} is {here} in {first.file}, which is kept, and {there} in"
                    f" {one.file}"
                )
    return first.block


def _alike(
    blocks: list[_Named], columns: Columns, na: Mapping[str, str] | None, notes: list[str]
) -> list[_Named]:
    """Give blocks the same columns."""
    labels = list(dict.fromkeys(label for one in blocks for label in one.block.labels))
    common = [label for label in labels if all(label in one.block.labels for one in blocks)]
    if len(common) == len(labels):
        return blocks
    name = blocks[0].block.name
    if columns == "common":
        if not common:
            raise MergeError(f"block {name!r}: no column is in all files")
        lost = [label for label in labels if label not in common]
        notes.append(f"block {name!r}: left out what some files lack: {', '.join(lost)}")
        return [
            _Named(one.file, one.block.select([label for label in one.block.labels if label in common]))
            for one in blocks
        ]
    if columns == "all":
        return [_Named(one.file, _filled(one, blocks, labels, na or {})) for one in blocks]
    lacking = [
        f"{one.file} has no {', '.join(missing)}"
        for one in blocks
        if (missing := [label for label in labels if label not in one.block.labels])
    ]
    raise MergeError(f"block {name!r}: the columns differ: {'; '.join(lacking)}")


def _filled(one: _Named, blocks: list[_Named], labels: list[str], na: Mapping[str, str]) -> StarBlock:
    """Add the columns that a block lacks."""
    block = one.block
    more = {}
    for label in labels:
        if label in block.labels:
            continue
        word = na.get(label, na.get("*"))
        if word is None:
            raise MergeError(
                f"{one.file}: block {block.name!r} has no {label}, and `na` does not say what it is"
            )
        kinds = [
            other.block.loops[0].schema.field(label).type for other in blocks if label in other.block.labels
        ]
        more[label] = _constant(word, kinds, block.num_rows, label)
    return block.with_columns(more)


def _constant(word: str, kinds: Sequence[pa.DataType], rows: int, label: str) -> pa.ChunkedArray:
    """Give a column of one value, of a type that the other columns have."""
    kind = next((kind for kind in kinds if pa.types.is_floating(kind)), kinds[0])
    if word == "keep":
        return pa.chunked_array([pa.nulls(rows, kind)])
    try:
        value = pa.array([word], pa.large_string()).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise MergeError(f"{label} is {kind}, which {word!r} is not; 'keep' leaves it missing") from None
    return pa.chunked_array([value.take(pa.array(np.zeros(rows, dtype=np.int64)))])


def _particle_name(blocks: list[_Named]) -> str | None:
    """Give the label by which particles are known in all files."""
    if blocks[0].block.name == OPTICS:
        return None
    return next((name for name in _PARTICLE_NAMES if all(name in one.block for one in blocks)), None)


def _deduplicated(
    blocks: list[StarBlock],
    files: list[str],
    label: str,
    duplicates: Duplicates,
    notes: list[str],
    warnings: list[str],
) -> list[StarBlock]:
    """Look for particles of one name, and leave them out if that is wanted."""
    seen = _seen_above([block[label] for block in blocks])
    if not seen.any():
        return blocks
    message = _told(seen, blocks, files, label)
    if duplicates == "raise":
        raise MergeError(message)
    if duplicates == "keep":
        warnings.append(message)
        return blocks
    notes.append(f"{message}: left out")
    return _without(blocks, seen)


def _seen_above(names: Sequence[pa.Array]) -> Flags:
    """Tell which rows of all files have a name that stands above; what has no name is never the same."""
    column = pa.chunked_array([array.cast(pa.large_string()) for array in names], type=pa.large_string())
    if not len(column):
        return np.zeros(0, dtype=bool)
    nameless = pc.is_in(column, value_set=pa.array(["", "None", None], pa.large_string()))
    again: Flags = occurrences(codes([column])) > 0
    named: Flags = ~nameless.to_numpy()
    return again & named


def _told(seen: Flags, blocks: Sequence[StarBlock], files: Sequence[str], label: str) -> str:
    ends = np.cumsum([block.num_rows for block in blocks])
    rows = np.flatnonzero(seen)
    shown = []
    for row in rows[:_SHOWN].tolist():
        at = int(np.searchsorted(ends, row, side="right"))
        block = blocks[at]
        value = block[label][row - int(ends[at]) + block.num_rows].as_py()
        shown.append(f"{printable(value)} ({files[at]})")
    noun = "row" if len(rows) == 1 else "rows"
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    return (
        f"block {blocks[0].name!r}: {len(rows):,} {noun} whose {label} stands above: {', '.join(shown)}{more}"
    )


def _without(blocks: Sequence[StarBlock], gone: Flags) -> list[StarBlock]:
    """Leave rows out, counted over all blocks."""
    kept = []
    start = 0
    for block in blocks:
        mask = gone[start : start + block.num_rows]
        kept.append(block.filter(~mask) if mask.any() else block)
        start += block.num_rows
    return kept


def _appended(first: StarBlock, tails: Sequence[pa.Table]) -> StarBlock:
    """Add rows below a block, all at once."""
    tails = [tail.select(first.labels) for tail in tails if tail.num_rows]
    if not tails:
        return first
    try:
        return first.append(pa.concat_tables(tails, promote_options="permissive"))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as fault:
        raise MergeError(
            f"block {first.name!r}: columns of types that do not go together: {fault}"
        ) from fault
