"""The tables of a block: its list as a table of one row, then its loops."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from tomoset.blocks import StarBlock


def block_tables(block: "StarBlock") -> "list[tuple[pa.Table, bool]]":
    """Return every table of a block, and whether it is the list."""
    import pyarrow as pa

    tables = [(table, False) for table in block.loops]
    if block.is_list:
        return [(block.to_arrow(), True)]
    if block.values:
        alone = pa.table({label: [value] for label, value in block.values.items()})
        return [(alone, True), *tables]
    return tables
