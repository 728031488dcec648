"""Makes the hostile files that a text editor could not show: binary, compressed, damaged.

Run it to write them beside itself; the tests check that what lies there is what it makes. The containers are
put together by hand, so that they are the same bytes whatever version of a compressor is installed.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

SURVIVOR = b"\ndata_survivor\n\nloop_\n_rlnVoltage #1\n300\n200\n"
HEADER = b"data_a\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\n"
TEXT = HEADER + b"TS_1 300\nTS_2 200\n" + SURVIVOR


def gz(
    data: bytes, *, flags: int = 0, extra: bytes = b"", crc: int | None = None, size: int | None = None
) -> bytes:
    """Make a gzip member with one stored block."""
    head = struct.pack("<2sBBIBB", b"\x1f\x8b", 8, flags, 0, 0, 255) + extra
    block = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data
    crc = zlib.crc32(data) if crc is None else crc
    return head + block + struct.pack("<II", crc, len(data) if size is None else size)


def zst(*blocks: bytes, size: int | None = None, checksum: bytes = b"") -> bytes:
    """Make a zstd frame; with a size it needs no window, else its window is 1 MiB."""
    flags = 4 * bool(checksum)
    head = bytes([flags, 0x50]) if size is None else bytes([flags | 0x60]) + struct.pack("<H", size - 256)
    return b"\x28\xb5\x2f\xfd" + head + b"".join(blocks) + checksum


def raw(data: bytes, *, last: bool = True) -> bytes:
    """Make a zstd block that holds the bytes themselves."""
    return (len(data) << 3 | last).to_bytes(3, "little") + data


def repeated(byte: bytes, count: int, *, last: bool = True) -> bytes:
    """Make a zstd block of one byte many times."""
    return (count << 3 | 2 | last).to_bytes(3, "little") + byte


def skippable(data: bytes) -> bytes:
    """Make a zstd frame that decoders pass over."""
    return struct.pack("<II", 0x184D2A50, len(data)) + data


def scrambled(count: int) -> bytes:
    """Make bytes without any order, always the same."""
    state, made = 1, bytearray()
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        made.append(state >> 16 & 0xFF)
    return bytes(made)


# The last four bytes of a frame that holds TEXT: the low half of its XXH64.
CHECKSUM = bytes.fromhex("5821ebc1")
LONG = repeated(b"v", 1 << 17, last=False) * 32

GZIP = {
    "gz_cut_in_magic": b"\x1f",
    "gz_magic_only": b"\x1f\x8b",
    "gz_cut_in_header": gz(TEXT)[:7],
    "gz_cut_in_block": gz(TEXT)[:60],
    "gz_cut_before_checksum": gz(TEXT)[:-8],
    "gz_cut_in_checksum": gz(TEXT)[:-6],
    "gz_cut_in_length": gz(TEXT)[:-1],
    "gz_checksum_wrong": gz(TEXT, crc=zlib.crc32(TEXT) ^ 1),
    "gz_length_wrong": gz(TEXT, size=len(TEXT) + 1),
    "gz_block_type_wrong": gz(TEXT)[:10] + b"\x07" + gz(TEXT)[11:],
    "gz_method_wrong": b"\x1f\x8b\x07" + gz(TEXT)[3:],
    "gz_all_header_fields": gz(TEXT, flags=0x1C, extra=b"\x04\x00AB\x00\x00name.star\x00a comment\x00"),
    "gz_name_open": gz(b"", flags=0x08, extra=b"name")[:14],
    "gz_header_checksum_wrong": gz(TEXT, flags=0x02, extra=b"\xff\xff"),
    "gz_trailing_garbage": gz(TEXT) + b"garbage",
    "gz_trailing_zeros": gz(TEXT) + bytes(512),
    "gz_trailing_magic": gz(TEXT) + b"\x1f\x8b",
    "gz_two_members": gz(TEXT[:50]) + gz(TEXT[50:]),
    "gz_second_member_cut": gz(TEXT[:50]) + gz(TEXT[50:])[:-9],
    "gz_empty_members": gz(b"") + gz(TEXT) + gz(b""),
    "gz_of_nothing": gz(b""),
    "gz_of_line_ends_cr": gz(TEXT.replace(b"\n", b"\r")),
    "gz_of_mark": gz(b"\xef\xbb\xbf" + TEXT),
    "gz_of_fault": gz(HEADER + b"TS_1 300\nTS_2\nTS_3 300\n" + SURVIVOR),
    "gz_of_gz": gz(gz(TEXT)),
}
ZSTD = {
    "zst_whole": zst(raw(TEXT), size=None, checksum=CHECKSUM),
    "zst_cut_in_magic": b"\x28\xb5\x2f",
    "zst_magic_only": b"\x28\xb5\x2f\xfd",
    "zst_cut_in_block": zst(raw(TEXT))[:60],
    "zst_cut_between_blocks": zst(raw(TEXT[:50], last=False)),
    "zst_cut_before_checksum": zst(raw(TEXT), checksum=CHECKSUM)[:-4],
    "zst_cut_in_checksum": zst(raw(TEXT), checksum=CHECKSUM)[:-1],
    "zst_checksum_wrong": zst(raw(TEXT), checksum=bytes([CHECKSUM[0] ^ 1]) + CHECKSUM[1:]),
    "zst_size_too_large": zst(raw(TEXT + b"#" * 256), size=len(TEXT) + 300),
    "zst_size_too_small": zst(raw(TEXT + b"#" * 256), size=len(TEXT) + 200),
    "zst_block_type_wrong": zst((len(TEXT) << 3 | 7).to_bytes(3, "little") + TEXT),
    "zst_window_enormous": b"\x28\xb5\x2f\xfd\x00\xff" + raw(TEXT),
    "zst_dictionary_missing": b"\x28\xb5\x2f\xfd\x01\x50\x2a" + raw(TEXT),
    "zst_trailing_garbage": zst(raw(TEXT)) + b"garbage",
    "zst_two_frames": zst(raw(TEXT[:50])) + zst(raw(TEXT[50:])),
    "zst_skippable_between": zst(raw(TEXT[:50])) + skippable(b"\x00" * 9) + zst(raw(TEXT[50:])),
    "zst_skippable_first": skippable(b"\x01\x02\x03\x04") + zst(raw(TEXT)),
    "zst_of_nothing": zst(raw(b"")),
    "zst_of_gz": zst(raw(gz(TEXT))),
    "zst_of_line_ends_cr": zst(raw(TEXT.replace(b"\n", b"\r"))),
    "zst_long_value": zst(raw(HEADER, last=False), LONG, raw(b" 300\n" + SURVIVOR)),
    "zst_long_comment": zst(repeated(b"#", 1 << 17, last=False) * 32, raw(b"\n" + TEXT)),
    "zst_many_blank_lines": zst(
        raw(HEADER + b"TS_1 300\n", last=False),
        repeated(b"\n", 100_000, last=False),
        raw(b"TS_2 200\n" + SURVIVOR),
    ),
}
BINARY = {
    "nul_in_value": HEADER + b"TS\x001 300\nTS_2 200\n" + SURVIVOR,
    "nul_in_quotes": HEADER + b"'TS \x00 1' 300\nTS_2 200\n" + SURVIVOR,
    "nul_in_number": HEADER + b"TS_1 300\x00\nTS_2 200\n" + SURVIVOR,
    "nul_in_vector": b"data_a\n\nloop_\n_rlnTomoVisibleFrames #1\n[1,0]\n[1\x00,0]\n" + SURVIVOR,
    "nul_in_label": b"data_a\n\nloop_\n_rln\x00Voltage #1\n300\n" + SURVIVOR,
    "nul_in_block_name": b"data_a\x00b\n\nloop_\n_rlnVoltage #1\n300\n" + SURVIVOR,
    "nul_in_comment": b"# \x00\n" + TEXT,
    "nul_in_list": b"data_a\n\n_rlnTomoName TS\x00\n_rlnVoltage 300\n" + SURVIVOR,
    "nul_line_among_rows": HEADER + b"TS_1 300\n\x00\x00\x00\nTS_2 200\n" + SURVIVOR,
    "nul_tail": TEXT + b"\x00" * 4096,
    "nul_head": b"\x00" * 512 + TEXT,
    "nul_only": b"\x00" * 4096,
    "control_characters": HEADER
    + b"".join(b"a%cb 300\n" % code for code in range(32) if code not in b"\n\r\t")
    + SURVIVOR,
    "control_delete": HEADER + b"a\x7fb 300\n" + SURVIVOR,
    "bytes_as_values": HEADER
    + b"".join(b"%c 300\n" % code for code in range(256) if code not in b"\t\n\r \"'#")
    + SURVIVOR,
    "bytes_in_a_quote": HEADER
    + b'"'
    + bytes(code for code in range(256) if code not in b'\n"')
    + b'" 300\n'
    + SURVIVOR,
    "bytes_scrambled": scrambled(4096),
    "bytes_scrambled_among_rows": HEADER + b"TS_1 300\n" + scrambled(200) + b"\nTS_2 200\n" + SURVIVOR,
    "utf16_le_mark": b"\xff\xfe" + TEXT.decode().encode("utf-16-le"),
    "utf16_be_mark": b"\xfe\xff" + TEXT.decode().encode("utf-16-be"),
    "utf16_le": TEXT.decode().encode("utf-16-le"),
    "utf16_be": TEXT.decode().encode("utf-16-be"),
    "utf32_le_mark": b"\xff\xfe\x00\x00" + TEXT.decode().encode("utf-32-le"),
    "other_mrc": struct.pack("<10i", 64, 64, 32, 2, 0, 0, 0, 64, 64, 32)
    + struct.pack("<6f", 86.4, 86.4, 43.2, 90, 90, 90)
    + struct.pack("<3i", 1, 2, 3)
    + bytes(132)
    + b"MAP DA\x00\x00"
    + bytes(808),
    "other_png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00",
    "other_elf": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00",
    "other_zip": b"PK\x03\x04\x14\x00\x00\x00\x00\x00" + bytes(16) + b"\x06\x00\x00\x00a.starPK",
    "other_bzip2": b"BZh91AY&SY" + scrambled(40),
    "other_xz": b"\xfd7zXZ\x00\x00\x04" + scrambled(40),
    "other_tar": b"a.star".ljust(100, b"\x00")
    + b"0000644\x00".ljust(412, b"\x00")
    + TEXT.ljust(512, b"\x00"),
}
FILES = {f"{name}.star": content for name, content in {**GZIP, **ZSTD, **BINARY}.items()}

if __name__ == "__main__":
    for name, content in FILES.items():
        (Path(__file__).parent / name).write_bytes(content)
