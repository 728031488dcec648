"""Reading and writing STAR files as pandas data frames and dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoset.compat.starfile.parser import StarParser
from tomoset.compat.starfile.writer import StarWriter
from tomoset.frames import needed

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from tomoset.compat.starfile.typing import DataBlock

__all__ = ["read", "to_string", "write"]

_NO_LABELS: list[str] = []


def read(
    filename: str | PathLike[str],
    read_n_blocks: int | None = None,
    always_dict: bool = False,
    parse_as_string: list[str] = _NO_LABELS,
    *,
    exact: bool = False,
) -> Any:  # noqa: ANN401
    """Read a STAR file.

    Types come of the values, not of the labels: ``TS_01`` is text, and ``01`` is 1.

    Parameters
    ----------
    filename : str or os.PathLike
        The file.
    read_n_blocks : int, optional
        How many blocks to read; all when not given.
    always_dict : bool
        Give a dictionary of blocks also when there is only one.
    parse_as_string : list of str
        Labels whose values stay text.
    exact : bool
        Read as the package `starfile` does, with all it changes or loses (``docs/starfile.md``).

    Returns
    -------
    dict or pandas.DataFrame
        Blocks by name, or the only block itself. A loop is a `pandas.DataFrame` whose attribute ``name`` is the
        block's; a list is a `dict` of label to int, float or str.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A line of a list without one value, or rows that all have another length than there are labels.
    pandas.errors.ParserError
        A row that is longer than the first, or a quote without its other.
    ImportError
        pandas is not installed (``pip install 'tomoset[pandas]'``), and there are loops.
    """
    try:
        parser = StarParser(filename, read_n_blocks, parse_as_string, exact=exact)
    except ModuleNotFoundError as error:
        if error.name == "pandas":
            needed("pandas")
        raise
    blocks = parser.data_blocks
    if len(blocks) == 1 and always_dict is False:
        return next(iter(blocks.values()))
    return blocks


def write(
    data: DataBlock | dict[str, DataBlock] | list[DataBlock],
    filename: str | PathLike[str],
    float_format: str | Callable[[float], str] | None = "%.6f",
    sep: str = "\t",
    na_rep: str = "<NA>",
    quote_character: str = '"',
    quote_all_strings: bool = False,
    *,
    exact: bool = False,
    **kwargs: object,
) -> None:
    """Write a STAR file.

    Parameters
    ----------
    data : pandas.DataFrame, dict or list
        A table, which is written under its attribute ``name`` if it has one; a dictionary of label to value; a
        dictionary of block name to either; or a list of either, which are named ``0``, ``1``, ...
    filename : str or os.PathLike
        The file. It is written beside and then put in place, so that there never is half a file.
    float_format : str, callable or None
        How columns of floats are written: ``%`` format, a function, or the shortest text that reads back equal.
    sep : str
        One character between the values of a row.
    na_rep : str
        What stands for a missing value in a row.
    quote_character : str
        What is put around texts that hold a blank, or nothing.
    quote_all_strings : bool
        Put it around all texts.
    exact : bool
        Write as the package `starfile` does, even what cannot be read back (``docs/starfile.md``).
    **kwargs
        Ignored.

    Raises
    ------
    ValueError
        `data` is none of these, or a text cannot be quoted.
    csv.Error
        A text holds `sep` or a line end.
    """
    StarWriter(
        data,
        filename=filename,
        float_format=float_format,
        separator=sep,
        na_rep=na_rep,
        quote_character=quote_character,
        quote_all_strings=quote_all_strings,
        exact=exact,
    ).write()


def to_string(
    data: DataBlock | dict[str, DataBlock] | list[DataBlock],
    float_format: str | Callable[[float], str] | None = "%.6f",
    sep: str = "\t",
    na_rep: str = "<NA>",
    quote_character: str = '"',
    quote_all_strings: bool = False,
    *,
    exact: bool = False,
    **kwargs: object,
) -> str:
    """Give the text that `write` would write.

    Parameters
    ----------
    data, float_format, sep, na_rep, quote_character, quote_all_strings, exact, **kwargs
        As in `write`.

    Returns
    -------
    str

    Raises
    ------
    ValueError, csv.Error
        As in `write`.
    """
    return StarWriter(
        data,
        float_format=float_format,
        separator=sep,
        na_rep=na_rep,
        quote_character=quote_character,
        quote_all_strings=quote_all_strings,
        exact=exact,
    ).to_string()
