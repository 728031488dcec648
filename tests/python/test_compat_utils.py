"""The helpers of starfile that others import."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args, get_origin

import pandas as pd
import pytest
import starfile.functions
import starfile.parser
import starfile.typing
import starfile.utils
import starfile.writer
import tomoset.compat.starfile.functions
import tomoset.compat.starfile.parser
import tomoset.compat.starfile.typing
import tomoset.compat.starfile.utils
import tomoset.compat.starfile.writer

PAIRS = [
    (getattr(tomoset.compat.starfile, name), getattr(starfile, name))
    for name in ("functions", "parser", "typing", "utils", "writer")
]


def test_nothing_public_is_missing() -> None:
    for ours, theirs in PAIRS:
        public = {
            name
            for name, value in vars(theirs).items()
            if getattr(value, "__module__", None) == theirs.__name__ and not name.startswith("_")
        }
        assert {name for name in public if not hasattr(ours, name)} == set()


def test_methods_are_those_of_the_package() -> None:
    for name in ("TextBuffer", "TextCrawler"):
        ours, theirs = getattr(PAIRS[3][0], name), getattr(PAIRS[3][1], name)
        for method, value in inspect.getmembers(theirs, inspect.isfunction):
            assert list(inspect.signature(getattr(ours, method)).parameters) == list(
                inspect.signature(value).parameters
            )


@pytest.mark.parametrize("value", ["1", "1.5", "x", "1_000", "nan", " 5 ", ""])
def test_numericise(value: str) -> None:
    ours, theirs = PAIRS[1]
    assert repr(ours.numericise(value)) == repr(theirs.numericise(value))


def test_blocks_have_a_type() -> None:
    ours, theirs = (get_args(module.DataBlock) for module in PAIRS[2])
    assert ours[0] is theirs[0] is pd.DataFrame
    assert get_origin(ours[1]) is get_origin(theirs[1]) is dict
    with pytest.raises(AttributeError):
        _ = PAIRS[2][0].Missing


def filled(module: Any, path: Path) -> list[Any]:
    buffer = module.TextBuffer()
    seen = [buffer.is_empty]
    buffer.add_line("a")
    buffer.add_comment("b")
    buffer.add_blank_line()
    buffer.add_blank_lines(2)
    seen += [buffer.is_empty, buffer.as_str()]
    buffer.write_as_new_file(path)
    buffer.append_to_file_and_clear(path)
    seen += [buffer.is_empty, path.read_text()]
    crawler = module.TextCrawler(path)
    crawler.increment_line_number()
    return [
        *seen,
        crawler.current_line,
        crawler.current_line_number,
        crawler.count_lines(),
        crawler.get_line(2),
    ]


def test_buffers_and_crawlers(tmp_path: Path) -> None:
    ours, theirs = PAIRS[3]
    assert filled(ours, tmp_path / "a") == filled(theirs, tmp_path / "b")


def test_helpers_of_the_writer() -> None:
    ours, theirs = PAIRS[4]
    data: dict[str, Any] = {"a": "x y", "b": 1}
    assert list(ours.simple_block("n", data)) == list(theirs.simple_block("n", data))
    assert ours.coerce_list([data]) == theirs.coerce_list([data])
    assert ours.coerce_dict(data) == theirs.coerce_dict(data)
    for word in ("", "x", "x y", 5):
        assert ours.quote(word) == theirs.quote(word)
        assert ours.quote(word, quote_all_strings=True) == theirs.quote(word, quote_all_strings=True)
