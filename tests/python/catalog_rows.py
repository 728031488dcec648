"""A small catalogue whose rows a test names one by one, to be asked as a catalogue is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
from tomoset import _core
from tomoset.catalog.examples import examples
from tomoset.catalog.views import view_statements

ROOT, OTHER = "/data/a", "/data/b"
PROJECT = "2025/p1"
DAY = datetime(2025, 3, 1, 12, tzinfo=UTC)

Row = dict[str, Any]


class Rows:
    """Rows by table, made by what a test says and what is usual else."""

    def __init__(self) -> None:
        self.schemas: dict[str, pa.Schema] = _core.catalog_schemas()
        self.rows: dict[str, list[Row]] = {name: [] for name in self.schemas}

    def add(self, table: str, **columns: Any) -> None:
        """Add a row; what is not said is null, but for root and project."""
        unknown = set(columns) - set(self.schemas[table].names)
        assert not unknown
        own = {
            name: value
            for name, value in (("root", ROOT), ("project", PROJECT))
            if name in self.schemas[table].names
        }
        self.rows[table].append(own | columns)

    def tomogram(self, name: str, *, job: str = "Tomograms/job006", **columns: Any) -> None:
        """Add a tomogram to the set of a job, as good as it may be."""
        usual = {
            "path": _within(columns.get("project", PROJECT), f"{job}/tomograms.star"),
            "tomogram": name,
            "tilt_series_file": f"{job}/tilt_series/{name}.star",
            "tilt_series_found": True,
            "voltage": 300.0,
            "spherical_aberration": 2.7,
            "amplitude_contrast": 0.1,
            "original_pixel_size": 0.75,
            "pixel_size": 1.5,
            "hand": -1.0,
            "optics_group_name": "grid1",
            "latest": True,
        }
        self.add("tomograms", **(usual | columns))

    def tilts(
        self,
        name: str,
        angles: Sequence[float],
        *,
        job: str = "Tomograms/job006",
        dose: float = 3.0,
        **columns: Any,
    ) -> None:
        """Add the images of a tilt series, which were taken in the order of the angles."""
        path = _within(columns.get("project", PROJECT), f"{job}/tilt_series/{name}.star")
        for row, angle in enumerate(angles):
            usual = {
                "path": path,
                "tomogram": name,
                "row": row,
                "nominal_tilt_angle": float(angle),
                "nominal_tilt_axis_angle": 85.0,
                "pre_exposure": row * dose,
                "micrograph_name_even": "even.mrc",
                "micrograph_name_odd": "odd.mrc",
                "defocus_u": 30_200.0,
                "defocus_v": 30_000.0,
                "defocus_angle": 45.0,
                "y_tilt": float(angle),
                "z_rotation": 85.0,
                "x_shift": 1.0,
                "y_shift": 2.0,
                "latest": True,
            }
            self.add("tilts", **(usual | columns))

    def series(self, name: str, angles: Sequence[float] = range(-60, 61, 3), **columns: Any) -> None:
        """Add a tomogram and its tilt series; columns are of both where both have them, else of the one that has."""
        of = {table: set(self.schemas[table].names) | {"job", "dose"} for table in ("tomograms", "tilts")}
        self.tomogram(
            name, **{key: value for key, value in columns.items() if key in of["tomograms"] - {"dose"}}
        )
        self.tilts(name, angles, **{key: value for key, value in columns.items() if key in of["tilts"]})

    def session(self) -> duckdb.DuckDBPyConnection:
        """Return a database of these tables and the views over them."""
        session = duckdb.connect(
            config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
        session.execute("SET TimeZone = 'UTC'")
        for name, schema in self.schemas.items():
            columns = pa.Table.from_pylist(self.rows[name], schema=schema)
            session.register("columns", columns)
            session.execute(f"CREATE TABLE {name} AS FROM columns")
            session.unregister("columns")
        for statement in view_statements():
            session.execute(statement)
        return session

    def sql(self, query: str) -> list[Row]:
        """Return the rows of an answer."""
        with self.session() as session:
            found: list[Row] = session.sql(query).to_arrow_table().to_pylist()
        return found

    def ask(self, name: str, *columns: str, **options: str) -> list[tuple[Any, ...]]:
        """Return some columns of what a shipped query answers."""
        rows = self.sql(examples()[name].with_options(**options).sql)
        return [tuple(row[column] for column in columns) for row in rows]


def add_changes(rows: Rows) -> None:
    """Add files that came, changed, went and came back in four crawls."""
    for crawl in (1, 2, 3, 4):
        rows.add("crawls", crawl=crawl)
    for path, first, changed in (
        ("old", 1, 1),
        ("edited", 1, 3),
        ("added", 3, 3),
        ("both", 2, 4),
        ("back", 4, 4),
    ):
        rows.add("files", path=path, kind="job", size=1, first_crawl=first, changed_crawl=changed)
    for path, crawl in (("gone", 2), ("back", 3), ("twice", 2), ("twice", 4), ("old", 3)):
        root = OTHER if path == "old" else ROOT
        rows.add("deletions", path=path, kind="job", size=2, deleted_crawl=crawl, root=root)


def _within(project: str | None, file: str) -> str:
    return f"{project}/{file}" if project else file
