"""Files that are handed to `write_star`, and its options."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
import tomoset

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("no_hang")

TEXT = b"\n# version 50001\n\ndata_x\n\n_a                      1\n \n"


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    tomoset.write_star(data, file, **options)
    return file.getvalue()


# Where it goes.


class Part(io.RawIOBase):
    """A raw file that takes seven bytes at a time."""

    def __init__(self) -> None:
        self.text = b""

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        taken = bytes(text)[:7]
        self.text += taken
        return len(taken)


def test_files_for_bytes_and_for_text(tmp_path: Path) -> None:
    data = {"å": {"a": "日本", "b": 1}}
    expected = written(data)
    assert "日本".encode() in expected
    text = io.StringIO()
    tomoset.write_star(data, text)
    assert text.getvalue() == expected.decode()
    part = Part()
    tomoset.write_star(data, part)
    assert part.text == expected
    for encoding in ("utf-16", "utf-8", "shift-jis"):
        named = {"å" if encoding != "shift-jis" else "a": data["å"]}
        with (tmp_path / encoding).open("w", encoding=encoding, newline="") as file:
            tomoset.write_star(named, file)
        assert (tmp_path / encoding).read_bytes().decode(encoding) == written(named).decode()
    with (tmp_path / "latin").open("w", encoding="latin-1") as file, pytest.raises(UnicodeEncodeError):
        tomoset.write_star(data, file)
    with (tmp_path / "open").open("wb") as binary:
        tomoset.write_star(data, binary)
        tomoset.write_star(data, binary)
    assert (tmp_path / "open").read_bytes() == expected * 2
    list_of_parts: list[bytes] = []

    class Collects:
        def write(self, text: bytes) -> None:
            list_of_parts.append(bytes(text))

    tomoset.write_star(data, Collects())
    assert b"".join(list_of_parts) == expected


def test_a_write_that_fails() -> None:
    class Odd(Exception):  # noqa: N818
        pass

    class Fails:
        def __init__(self, after: int) -> None:
            self.after = after

        def write(self, text: bytes) -> int:
            self.after -= 1
            if self.after < 0:
                raise odd
            return len(text)

    odd = Odd("not me")
    table = pa.table({"n": list(range(300_000)), "m": list(range(300_000))})
    for compression in ("none", "gzip", "zstd"):
        for after in (0, 1):
            with pytest.raises(Odd) as caught:
                tomoset.write_star({"x": table}, Fails(after), compression=compression)
            assert caught.value is odd
    with pytest.raises(KeyboardInterrupt):
        odd = KeyboardInterrupt()  # type: ignore[assignment]
        tomoset.write_star({"x": table}, Fails(0))
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="closed file"):
        tomoset.write_star({"x": table}, closed)


@pytest.mark.parametrize("target", [None, 1, object(), ["a.star"]])
def test_what_cannot_be_written_to(target: Any) -> None:
    what = type(target).__name__
    with pytest.raises(TypeError, match=f"path_or_file must be a path or have a write method, not {what}"):
        tomoset.write_star({"x": {"a": 1}}, target)


# Options.

CHOICES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"layout": "Relion"}, ValueError, r"layout .*\"?relion\"?.*starfile"),
    ({"empty_loops": "drop"}, ValueError, r"empty_loops .*raise.*keep"),
    ({"compression": "bz2"}, ValueError, r"compression .*none.*gzip.*zstd"),
    ({"compression": ".gz"}, ValueError, r"compression .*none.*gzip.*zstd"),
    ({"floats": "exact"}, ValueError, r"floats .*shortest.*relion.*%\.6f"),
    ({"floats": {"a": "exact"}}, ValueError, r"floats .*shortest.*relion.*%\.6f"),
    ({"threads": 0}, ValueError, "threads must be at least 1, or None for all"),
    ({"threads": -1}, (OverflowError), "negative"),
    ({"floats": None}, TypeError, r"floats: '\*': None is neither text nor a number"),
    ({"na": None}, TypeError, r"na: '\*': None is neither text nor a number"),
    ({"na": {"a": True}}, TypeError, "na: 'a': True is neither text nor a number"),
    ({"na": {1: "keep"}}, TypeError, "na: 1: 'keep' is neither text nor a number"),
    ({"colour": 1}, TypeError, "colour"),
]


@pytest.mark.parametrize(("options", "kind", "words"), CHOICES, ids=[str(choice[0]) for choice in CHOICES])
def test_mistyped_options(options: dict[str, Any], kind: type[Exception], words: str, tmp_path: Path) -> None:
    targets: list[Callable[[], Any]] = [io.BytesIO, lambda: tmp_path / "a.star"]
    for target in targets:
        with pytest.raises(kind, match=words):
            tomoset.write_star({"x": {"a": 1}}, target(), **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["relion", "starfile"])
def test_threads_change_nothing(layout: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    several = {
        f"b{block}": pa.table(
            {
                "rlnTomoName": [f"TS {n % 7}" for n in range(count)],
                "rlnVoltage": generator.normal(size=count),
                "rlnTomoProjX": pa.array(list(generator.normal(size=(count, 3)))),
            }
        )
        for block, count in enumerate([1, 40_000, 3, 20_000, 0])
    }
    one = written(several, layout=layout, threads=1)
    assert len(one) > 4 << 20
    for threads in (2, 7, None):
        assert written(several, layout=layout, threads=threads) == one
        tomoset.write_star(several, tmp_path / "a.star", layout=layout, threads=threads, durable=False)  # type: ignore[arg-type]
        assert (tmp_path / "a.star").read_bytes() == one
