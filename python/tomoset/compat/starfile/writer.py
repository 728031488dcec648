"""The writer object of `starfile`, and its helpers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from tomoset.compat.starfile.oddities import warn
from tomoset.compat.starfile.quick_rows import plain_rows
from tomoset.compat.starfile.rows import quote, quoted_text, row_lines
from tomoset.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    import pandas as pd

    from tomoset.compat.starfile.typing import DataBlock

__all__ = [
    "StarWriter",
    "coerce_dataframe",
    "coerce_dict",
    "coerce_list",
    "loop_block",
    "package_info",
    "quote",
    "simple_block",
]

#: The version of `starfile` that this package stands in for.
__version__ = "0.5.13"


class StarWriter:
    """Blocks to be written as STAR text.

    Parameters
    ----------
    data_blocks, filename, float_format, separator, na_rep, quote_character, quote_all_strings, exact
        As `write` has them; `separator` is its `sep`.

    Attributes
    ----------
    data_blocks : dict of str to dict or pandas.DataFrame
        The blocks by name.
    filename : pathlib.Path or None
        Where they are written.
    """

    def __init__(
        self,
        data_blocks: DataBlock | dict[str, DataBlock] | list[DataBlock],
        filename: str | PathLike[str] | None = None,
        float_format: str | Callable[[float], str] | None = "%.6f",
        separator: str = "\t",
        na_rep: str = "<NA>",
        quote_character: str = '"',
        quote_all_strings: bool = False,
        *,
        exact: bool = False,
    ) -> None:
        self.exact = exact
        self.data_blocks = self.coerce_data_blocks(data_blocks)
        self.filename = None if filename is None else Path(filename)
        self.float_format = float_format
        self.sep = separator
        self.na_rep = na_rep
        self.quote_character = quote_character
        self.quote_all_strings = quote_all_strings

    def coerce_data_blocks(self, data_blocks: object) -> dict[str, Any]:
        """Give blocks by name.

        Raises
        ------
        ValueError
            What is given is no table, dictionary or list.
        """
        if _is_frame(data_blocks):
            return coerce_dataframe(data_blocks, exact=self.exact)
        if isinstance(data_blocks, dict):
            return coerce_dict(data_blocks, exact=self.exact)
        if isinstance(data_blocks, list):
            return coerce_list(data_blocks)
        found = type(data_blocks).__name__
        raise ValueError(f"expected a pandas.DataFrame, a dict or a list of these, got {found}")

    def lines(self) -> Iterator[str]:
        """Give the lines of the text, without line ends."""
        yield from (package_info(), "", "")
        yield from self.data_block_generator()

    def data_block_generator(self) -> Iterator[str]:
        """Give the lines of all blocks."""
        for name, block in self.data_blocks.items():
            yield from self._block_lines(name, block)

    def _block_lines(self, name: str, block: object) -> Iterator[str]:
        quoting: dict[str, Any] = {
            "quote_character": self.quote_character,
            "quote_all_strings": self.quote_all_strings,
            "exact": self.exact,
        }
        if isinstance(block, dict):
            yield from simple_block(name, block, **quoting)
        elif _is_frame(block):
            yield from loop_block(name, block, self.float_format, self.sep, self.na_rep, **quoting)
        elif not self.exact:
            warn(f"block {name!r} is {type(block).__name__}, no dict or DataFrame: it is not written")

    def to_string(self) -> str:
        """Give the whole text."""
        if self.exact:
            return "".join(f"{line}\n" for line in self.lines())
        return b"".join(self._pieces()).decode("utf-8")

    def write(self) -> None:
        """Write the text to the file.

        Raises
        ------
        ValueError
            No file was named.
        """
        if self.filename is None:
            raise ValueError("Cannot write nameless file!")
        if self.exact:
            # In the encoding of the locale.
            self.filename.write_text(self.to_string())
        else:
            with replacing(self.filename) as file:
                file.writelines(self._pieces())

    def _pieces(self) -> Iterator[bytes | memoryview]:
        """Give the text in pieces: the rows of a plain table are one."""
        yield f"{package_info()}\n\n\n".encode()
        plain = self.quote_character == '"' and not self.quote_all_strings
        for name, block in self.data_blocks.items():
            rows = None
            if plain and _is_frame(block):
                rows = plain_rows(block, float_format=self.float_format, sep=self.sep, na_rep=self.na_rep)
            if rows is None:
                yield "".join(f"{line}\n" for line in self._block_lines(name, block)).encode()
            else:
                yield "".join(f"{line}\n" for line in _loop_head(name, block)).encode()
                yield rows
                yield b"\n\n"


def coerce_dataframe(df: Any, *, exact: bool = False) -> dict[str, Any]:  # noqa: ANN401
    """Give a table under its own name, if it has one."""
    name = getattr(df, "name", "")
    if not exact and not isinstance(name, str | int):
        # A column that is called so.
        name = ""
    return {name or "": df}


def coerce_dict(data_blocks: dict[str, Any], *, exact: bool = False) -> dict[str, Any]:
    """Give a dictionary of blocks as it is, one of values as a block without a name."""
    if exact:
        blocks = [type(block) in (dict, _frame_type()) for block in data_blocks.values()]
    else:
        blocks = [isinstance(block, dict) or _is_frame(block) for block in data_blocks.values()]
    return data_blocks if any(blocks) else {"": data_blocks}


def coerce_list(data_blocks: list[Any]) -> dict[str, Any]:
    """Give blocks their places as names."""
    return {str(index): block for index, block in enumerate(data_blocks)}


def package_info() -> str:
    """Give the comment that heads a file."""
    now = datetime.now().strftime("%H:%M:%S on %d/%m/%Y")
    return f"# Created by the starfile Python package (version {__version__}) at {now}"


def simple_block(
    block_name: str,
    data: dict[str, Any],
    quote_character: str = '"',
    quote_all_strings: bool = False,
    *,
    exact: bool = False,
) -> Iterator[str]:
    """Give the lines of a list."""
    give = quote if exact else quoted_text
    yield from (f"data_{block_name}", "")
    for label, value in data.items():
        text = give(value, quote_character=quote_character, quote_all_strings=quote_all_strings)
        if not exact and "\n" in str(text):
            raise ValueError(f"block {block_name!r}: the value of {label!r} holds a line end")
        yield f"_{label}\t\t\t{text}"
    yield from ("", "")


def loop_block(
    block_name: str,
    df: pd.DataFrame,
    float_format: str | Callable[[float], str] | None = "%.6f",
    separator: str = "\t",
    na_rep: str = "<NA>",
    quote_character: str = '"',
    quote_all_strings: bool = False,
    *,
    exact: bool = False,
) -> Iterator[str]:
    """Give the lines of a loop."""
    yield from _loop_head(block_name, df)
    yield from row_lines(
        df,
        float_format=float_format,
        sep=separator,
        na_rep=na_rep,
        quote_character=quote_character,
        quote_all_strings=quote_all_strings,
        exact=exact,
    )
    yield from ("", "")


def _loop_head(block_name: str, df: pd.DataFrame) -> Iterator[str]:
    yield from (f"data_{block_name}", "", "loop_")
    yield from (f"_{label} #{number}" for number, label in enumerate(df.columns, 1))


def _is_frame(block: object) -> TypeGuard[pd.DataFrame]:
    kind = _frame_type()
    return kind is not None and isinstance(block, kind)


def _frame_type() -> type | None:
    """Give the class of data frames; where pandas is not loaded, there can be none of them."""
    pandas = sys.modules.get("pandas")
    return None if pandas is None else pandas.DataFrame
