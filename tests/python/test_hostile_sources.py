"""Sources that mean harm: what is no file, what changes while it is read, what is small but grows."""

from __future__ import annotations

import errno
import gzip
import io
import os
import resource
import socket
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import tomoset
import zstandard

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("no_hang")

HEADER = b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n"
TEXT = HEADER + b"TS_1 300\nTS_2 200\n\n"


def stream(path: Any, **options: Any) -> pa.Table:
    return tomoset.iter_star(path, **options).read_all()


READERS: list[Callable[..., Any]] = [tomoset.read_star, tomoset.scan_star, stream]
each_reader = pytest.mark.parametrize("read", READERS, ids=["read_star", "scan_star", "iter_star"])


@each_reader
def test_fifo_is_refused_at_once(read: Callable[..., Any], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.star")
    with pytest.raises(OSError, match="not a regular file") as caught:
        read(tmp_path / "fifo.star")
    assert caught.value.filename == str(tmp_path / "fifo.star")


@each_reader
def test_directory(read: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        read(tmp_path)
    assert (caught.value.errno, caught.value.filename) == (errno.EISDIR, str(tmp_path))


@each_reader
def test_socket(read: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # The names of sockets are short.
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.star")
        with pytest.raises(OSError, match=r"No such device|not a regular file"):
            read("x.star")


@each_reader
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/random"])
def test_device_is_refused(read: Callable[..., Any], device: str) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        read(device)


@each_reader
def test_loop_of_links(read: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.star").symlink_to(tmp_path / "b.star")
    (tmp_path / "b.star").symlink_to(tmp_path / "a.star")
    with pytest.raises(OSError, match="symbolic links") as caught:
        read(tmp_path / "a.star")
    assert caught.value.errno == errno.ELOOP


@each_reader
def test_links(read: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.star").write_bytes(TEXT)
    (tmp_path / "b.star").symlink_to("a.star")
    (tmp_path / "c.star").symlink_to("nowhere.star")
    assert read(tmp_path / "b.star") is not None
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "c.star")


@each_reader
def test_names_that_are_no_names(read: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read("")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.star")
    with pytest.raises(OSError, match="too long"):
        read("x" * 5000)
    with pytest.raises((OSError, ValueError), match=r"(?i)nul"):
        read(f"{tmp_path}/a\0b.star")
    (tmp_path / "a.star").write_bytes(TEXT)
    with pytest.raises(NotADirectoryError):
        read(f"{tmp_path}/a.star/")


@each_reader
@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_permission_denied(read: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(TEXT)
    path.chmod(0)
    with pytest.raises(PermissionError) as caught:
        read(path)
    assert caught.value.filename == str(path)


@each_reader
def test_names_that_are_not_utf8(read: Callable[..., Any], tmp_path: Path) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.star")  # noqa: PTH118
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(TEXT)
    path = Path(os.fsdecode(name))
    assert read(path) is not None
    assert read(str(path)) is not None
    path.write_bytes(HEADER + b"TS_1 x\nTS_2\n")
    with pytest.raises(tomoset.StarSyntaxError) as caught:
        read(path)
    assert caught.value.path == str(path)
    path.unlink()
    with pytest.raises(FileNotFoundError) as missing:
        read(path)
    assert os.fsencode(missing.value.filename) == name


def test_names_that_are_not_utf8_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.star")
    path.write_bytes(TEXT)
    star = tomoset.read_star(path)
    for text in (repr(star), star._repr_html_(), repr(tomoset.scan_star(path))):
        assert text.encode()


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="no /proc here")
@each_reader
def test_files_whose_size_is_said_to_be_nothing(read: Callable[..., Any]) -> None:
    with pytest.raises(tomoset.StarSyntaxError, match="L201"):
        read("/proc/version")


def test_a_line_of_a_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "long.star.zst"
    long = b"v" * (100 << 20)
    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as packed:
        packed.write(HEADER + long + b" 300\nTS_2 200\n\ndata_b\n\n_rlnVoltage 300\n")
    assert path.stat().st_size < 100_000
    star = tomoset.read_star(path)
    assert star["a"].num_rows == 2
    assert pc.binary_length(star["a"]["rlnTomoName"]).to_pylist() == [100 << 20, 4]
    assert star["b"].to_dict() == {"rlnVoltage": 300.0}
    # A line of one word where two are wanted: the message must not hold it all.
    with pytest.raises(tomoset.StarSyntaxError) as caught:
        tomoset.read_star(HEADER + long + b"\n\n")
    assert (caught.value.line, len(str(caught.value)) < 1000) == (6, True)


def test_much_out_of_little(tmp_path: Path) -> None:
    """Four megabytes of blank lines in a few kilobytes."""
    path = tmp_path / "blank.star.gz"
    path.write_bytes(gzip.compress(HEADER + b"TS_1 300\n" + b"\n" * (4 << 20) + b"TS_2 300\n", 1))
    assert path.stat().st_size < 200_000
    star = tomoset.read_star(path)
    assert star["a"].num_rows == 2
    assert [(d.code, d.line) for d in star.diagnostics] == [("R101", 7 + (4 << 20))]


def test_a_file_cut_after_its_outline(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"TS_1 300\n" * 1000)
    outline = tomoset.scan_star(path)
    path.write_bytes(HEADER + b"TS_1 300\n" * 10)
    with pytest.raises(OSError, match=r"shorter|changed") as caught:
        outline.read("a")
    assert caught.value.filename == str(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        outline.read("a")


def test_a_file_cut_while_it_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"TS_1 300\n" * 400_000)
    batches = tomoset.iter_star(path, batch_rows=1000)
    assert batches.read_next_batch().num_rows == 1000
    os.truncate(path, 10_000)
    with pytest.raises(OSError, match=r"shorter|changed"):
        batches.read_all()


def test_a_file_replaced_while_it_is_streamed(tmp_path: Path) -> None:
    """As RELION writes: beside, then renamed. The stream keeps the file it opened."""
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"TS_1 300\n" * 400_000)
    batches = tomoset.iter_star(path, batch_rows=1000)
    batches.read_next_batch()
    (tmp_path / "b.star").write_bytes(HEADER + b"TS_2 200\n")
    (tmp_path / "b.star").rename(path)
    assert batches.read_all().num_rows == 399_000


def test_a_file_that_shrinks_and_grows_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    rows = b"TS_1 300\n" * 500_000
    path.write_bytes(HEADER + rows)
    full = path.stat().st_size
    stop = threading.Event()

    def shake() -> None:
        size = len(HEADER)
        while not stop.is_set():
            size = size * 7 % full
            os.truncate(path, max(len(HEADER), size))

    shaker = threading.Thread(target=shake)
    shaker.start()
    try:
        for turn in range(60):
            read = READERS[turn % 3]
            # Cut rows and NULs are what is there.
            with suppress(OSError, tomoset.StarSyntaxError, tomoset.StarTypeError):
                read(path, threads=1 + turn % 2)
    finally:
        stop.set()
        shaker.join()


def test_an_outline_is_not_used_for_another_text(tmp_path: Path) -> None:
    """Columns swapped, sizes equal: read by the old outline, values would come under wrong labels."""
    path = tmp_path / "a.star"
    path.write_bytes(b"data_a\nloop_\n_rlnVoltage\n_rlnTomoSizeX\n300 100\n")
    outline = tomoset.scan_star(path)
    assert outline.read("a")["rlnVoltage"].to_pylist() == [300.0]
    path.write_bytes(b"data_a\nloop_\n_rlnTomoSizeX\n_rlnVoltage\n100 300\n")
    os.utime(path, ns=(1, 1))
    with pytest.raises(OSError, match="changed"):
        outline.read("a")


def test_a_stream_ends_when_its_file_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"TS_1 300\n" * 4_000_000)
    batches = tomoset.iter_star(path, batch_rows=1000)
    batches.read_next_batch()
    with path.open("r+b") as file:
        file.seek(len(HEADER))
        file.write(b"TS_2")
    with pytest.raises(OSError, match="changed"):
        batches.read_all()


class Reader:
    """Something with a `read`, which gives what it was told to give."""

    def __init__(self, gives: Any) -> None:
        self.gives = gives

    def read(self) -> Any:
        if isinstance(self.gives, BaseException):
            raise self.gives
        return self.gives


@pytest.mark.parametrize(
    "gives", [TEXT, TEXT.decode(), bytearray(TEXT), memoryview(TEXT)], ids=lambda g: type(g).__name__
)
def test_whatever_can_be_read(gives: Any) -> None:
    assert tomoset.read_star(Reader(gives))["a"].num_rows == 2
    assert tomoset.scan_star(Reader(gives))["a"].num_rows == 2


@pytest.mark.parametrize("gives", [None, 5, [1, 2], {}, 1.5])
def test_readers_that_give_no_text(gives: Any) -> None:
    with pytest.raises(TypeError):
        tomoset.read_star(Reader(gives))


def test_readers_that_fail() -> None:
    with pytest.raises(OSError, match="boom"):
        tomoset.read_star(Reader(OSError(5, "boom")))
    with pytest.raises(ValueError, match="closed"):
        closed = io.BytesIO(TEXT)
        closed.close()
        tomoset.read_star(closed)


def test_bytes_may_change_afterwards() -> None:
    text = bytearray(TEXT)
    star = tomoset.read_star(text, strings="view")
    text[:] = b"x" * len(text)
    assert star["a"].to_dict() == {"rlnTomoName": ["TS_1", "TS_2"], "rlnVoltage": [300.0, 200.0]}
    odd = memoryview(b"".join(bytes([byte, 0]) for byte in TEXT))[::2]
    assert tomoset.read_star(odd)["a"].num_rows == 2


@pytest.mark.parametrize("source", [None, 5, 1.5, [TEXT], {}, object()])
def test_sources_that_are_none(source: Any) -> None:
    for read in (tomoset.read_star, tomoset.scan_star):
        with pytest.raises(TypeError, match="source must be a path, bytes or a file object, not"):
            read(source)


@pytest.mark.parametrize("cr_first", [True, False])
@pytest.mark.parametrize("packed", [False, True])
def test_lone_cr_is_seen_however_late_it_comes(tmp_path: Path, cr_first: bool, packed: bool) -> None:
    path = tmp_path / "a.star"
    text = (b"" if cr_first else b"#" * 300_000 + b"\n") + TEXT
    data = text.replace(b"\n", b"\r")
    path.write_bytes(gzip.compress(data) if packed else data)
    star = tomoset.read_star(path)
    assert star["a"].num_rows == 2
    assert [d.code for d in star.diagnostics] == ["L102"]
    for outline in (tomoset.scan_star(path), tomoset.scan_star(data)):
        assert outline["a"].num_rows == 2
        assert [d.code for d in outline.diagnostics] == ["L102"]
    assert stream(path).num_rows == 2


def run_alone(code: str) -> str:
    """Run Python code by itself, since what it does may hang or eat the memory; give what it printed."""
    program = "import resource, tomoset\n" + textwrap.dedent(code)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=8, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.fail("it takes longer than eight seconds")
    assert done.returncode == 0, done.stderr.splitlines()[0]
    return done.stdout.strip()


def test_time_does_not_grow_with_the_square_of_rows_that_do_not_wrap() -> None:
    told = run_alone("""
        count = 30_000
        text = b"data_a\\nloop_\\n" + b"".join(b"_l%d\\n" % i for i in range(count))
        text += b"1\\n" * (count - 1) + b"data_b\\n_x 1\\n"
        star = tomoset.read_star(text, on_error="collect")
        print(list(star), star["b"].to_dict())
    """)
    assert told == "['a', 'b'] {'x': 1}"


def test_time_does_not_grow_with_the_square_of_open_text_fields() -> None:
    told = run_alone("""
        text = b"data_a\\nloop_\\n_a\\n_b\\n" + b";a\\n" * 30_000 + b";\\n1 2\\n\\ndata_b\\n_x 1\\n"
        star = tomoset.read_star(text, on_error="collect")
        print(list(star), star["b"].to_dict())
    """)
    assert told == "['a', 'b'] {'x': 1}"


def test_time_to_mend_does_not_grow_with_the_square_of_text_fields(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(b"data_a\nloop_\n_a\n" + b";x\n;\n" * 150_000)
    told = run_alone(f"print(*next(tomoset.mend([{str(path)!r}])).left)")
    assert told.startswith("4: R104 wrapped-row (150000 times): left: the row has a text field")


def test_outlines_of_values_that_look_like_keywords_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"raw/data_1/TS_1 300\n" * 500_000 + b"\ndata_b\n_x 1\n")
    told = run_alone(f"print(tomoset.scan_star({str(path)!r})['a'].num_rows)")
    assert told == "500000"


def test_outlines_of_many_faults_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.star"
    path.write_bytes(HEADER + b"TS_1 300\nTS_1\n\n" * 400_000 + b"\ndata_b\n_x 1\n")
    told = run_alone(f"print(tomoset.scan_star({str(path)!r}, on_error='collect')['a'].num_rows)")
    assert told == "400000"


def test_outlines_of_many_blocks_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "motion.star"
    block = "data_p{}\n\nloop_\n_rlnOriginXAngst #1\n_rlnOriginYAngst #2\n" + "1.0 2.0\n" * 41 + "\n\n"
    path.write_text("".join(block.format(index) for index in range(20_000)))
    told = run_alone(f"print(len(tomoset.scan_star({str(path)!r})), len(tomoset.read_star({str(path)!r})))")
    assert told == "20000 20000"


def test_memory_does_not_grow_with_columns_times_file() -> None:
    told = run_alone("""
        count = 600
        text = b"data_a\\nloop_\\n" + b"".join(b"_l%d\\n" % i for i in range(count))
        text += (b"abc " * count + b"\\n") * 700
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert tomoset.read_star(text)["a"].num_rows == 700
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """)
    assert int(told) < 300  # MiB, for 1.7 MB of text


def test_address_space_may_be_scarce(tmp_path: Path) -> None:
    """As on a cluster that limits it: what the columns take, not what they could take, must fit."""
    path = tmp_path / "a.star"
    row = b" ".join(b"text%d" % index for index in range(20)) + b"\n"
    head = b"data_a\nloop_\n" + b"".join(b"_l%d\n" % index for index in range(20))
    path.write_bytes(head + row * (20_000_000 // len(row)))
    told = run_alone(f"""
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        print(tomoset.read_star({str(path)!r}, dtypes="string")["a"].num_rows)
    """)
    assert told == str(20_000_000 // len(row))


@each_reader
def test_memory_may_be_too_small(read: Callable[..., Any], tmp_path: Path) -> None:
    """A file that is all hole, one endless line: refused, but the process goes on."""
    path = tmp_path / "hole.star"
    path.touch()
    os.truncate(path, 1 << 30)
    name = {"stream": "iter_star"}.get(read.__name__, read.__name__)
    told = run_alone(f"""
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        try:
            tomoset.{name}({str(path)!r})
        except (MemoryError, OSError, tomoset.StarSyntaxError):
            print("refused")
    """)
    assert told == "refused"


def test_large_files_are_read_alike(tmp_path: Path) -> None:
    """Files beyond 64 MiB are read piece by piece."""
    path = tmp_path / "a.star"
    rows = b"".join(b"TS_%05d 1.25 %d %s\n" % (n, n, b"x" * 300) for n in range(20_000))
    text = b"data_a\n\nloop_\n_rlnTomoName\n_rlnVoltage\n_rlnOpticsGroup\n_foo\n"
    for odd in (
        b"\n",
        b"# c\n",
        b"'a  b' nan 2 x\n",
        b"bad\n\n",
        b";x\n; 1 2 y\n",
        b"a\n1 2\nz\n",
        b"a 1e400 3 \xff\n",
        b"b # c",
    ):
        text += rows * 2 + odd
    text += b"\n\ndata_b\n\n_x 1\n"
    path.write_bytes(text)
    assert len(text) > 64 << 20
    memory = tomoset.read_star(text, on_error="collect")
    for threads in (1, 2):
        pieces = tomoset.read_star(path, on_error="collect", threads=threads)
        assert pieces.diagnostics == memory.diagnostics
        assert pieces["b"].to_dict() == memory["b"].to_dict()
        for one, two in zip(pieces["a"].to_arrow().columns, memory["a"].to_arrow().columns, strict=True):
            assert pc.all(
                pc.or_(pc.equal(one, two), pc.is_nan(one)) if one.type == pa.float64() else pc.equal(one, two)
            ).as_py()
    errors = []
    for source in (text, path):
        with pytest.raises(tomoset.StarSyntaxError) as caught:
            tomoset.read_star(source)
        errors.append((caught.value.code, caught.value.line, caught.value.column, caught.value.offset))
    assert errors[0] == errors[1]


def test_nothing_leaks() -> None:
    """Faults and refusals, many times over."""
    sources: list[Any] = [
        TEXT,
        HEADER + b"TS_1\n",
        b"\x1f\x8b\x08",
        "/nonexistent.star",
        HEADER + b"TS_1 x\n",
    ]

    def turn(times: int) -> int:
        for source in sources * times:
            with suppress(OSError, ValueError):
                tomoset.read_star(source)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    turn(200)
    tracemalloc.start()
    before, blocks = turn(200), tracemalloc.get_traced_memory()[0]
    after, more = turn(2000), tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 8 << 10
    assert more - blocks < 1 << 18
    assert len(os.listdir("/proc/self/fd")) < 200 if Path("/proc/self/fd").exists() else True  # noqa: PTH208
