"""Small tomogram sets for tests, and the numbers that RELION gives for some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GEOMETRY = Path(__file__).parents[1] / "data" / "oracle" / "geometry"
REAL = Path(__file__).parents[3] / "shared" / "real"

GLOBAL = """
# version 50001

data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesStarFile #2
_rlnVoltage #3
_rlnMine #4
"""

SERIES = """
# version 50001

data_{name}

loop_
_rlnMicrographPreExposure #1
_rlnTomoNominalStageTiltAngle #2
_rlnDefocusU #3
{rows}
"""

#: Dose, angle and defocus.
TILTS = ["0.00 0.0 1.5e4", "3.0 3.00 15100", "6.0 -3.0 15200"]


def relion(folder: Path) -> dict[str, dict[str, Any]]:
    """Give RELION's numbers for the tomograms of a folder, by their names."""
    found = [json.loads(path.read_text()) for path in folder.glob("*.relion.json")]
    return {facts["name"]: facts for facts in found}


def make_set(root: Path, names: tuple[str, ...] = ("TS_01", "TS_02")) -> Path:
    """Write a project with a set of three tilts a tomogram, and give the set's path."""
    folder = root / "Align" / "job005"
    (folder / "tilt_series").mkdir(parents=True, exist_ok=True)
    (root / "default_pipeline.star").write_text("data_pipeline_general\n_rlnPipeLineJobCounter 6\n")
    rows = ""
    for name in names:
        (folder / "tilt_series" / f"{name}.star").write_text(SERIES.format(name=name, rows="\n".join(TILTS)))
        rows += f"{name} Align/job005/tilt_series/{name}.star 300.0 mine\n"
    path = folder / "aligned_tilt_series.star"
    path.write_text(GLOBAL + rows)
    return path
