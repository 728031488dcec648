"""A small project that breaks no rule, and how the examples of rules change it (`tomoset/checking/examples`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pyarrow as pa
import tomoset
from tomoset import _core

TILTS, TOMOGRAMS = 5, ("TS_01", "TS_02")
SET, OWN = "Tomograms/job006", "tomograms.star"
FILES = {
    "set": f"{SET}/{OWN}",
    "TS_01": f"{SET}/tilt_series/TS_01.star",
    "TS_02": f"{SET}/tilt_series/TS_02.star",
    "particles": "Extract/job010/particles.star",
    "optimisation": "Extract/job010/optimisation_set.star",
    "motion": "Polish/job012/motion.star",
    "polished": "Polish/job012/optimisation_set.star",
    "manifolds": "Picks/job009/manifolds.star",
    "fiducials": "Import/job001/fiducials_TS_01.star",
    "pipeline": "default_pipeline.star",
    "relion4": "Warp/job002/tomograms.star",
}


def make_project(root: Path) -> None:
    """Write the project."""
    tables: dict[str, dict[str, Any]] = {
        FILES["set"]: {"global": _global()},
        FILES["particles"]: _particles(),
        FILES["optimisation"]: {"": _names()},
        FILES["polished"]: {"": _names() | {"rlnTomoTrajectoriesFile": FILES["motion"]}},
        FILES["motion"]: _motion(),
        FILES["manifolds"]: {
            "TS_01": pa.table(
                {
                    "rlnTomoManifoldIndex": [0],
                    "rlnTomoManifoldType": ["sphere"],
                    "rlnTomoManifoldParams": [[1.0, 2, 3, 4]],
                }
            )
        },
        FILES["fiducials"]: {"": pa.table({f"rlnOrigin{axis}Angst": [10.0, 20.0] for axis in "XYZ"})},
        FILES["pipeline"]: _pipeline(),
    }
    tables |= {FILES[name]: {name: pa.table(series(name))} for name in TOMOGRAMS}
    for name, blocks in tables.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tomoset.write_star(blocks, path, durable=False)


def make_relion4(root: Path) -> None:
    """Write a set of RELION 4 beside it, which breaks rules of its own."""
    tomos = tomoset.TomogramSet.read(root / FILES["set"]).to_relion4(image_sizes=(400, 380))
    tomos.with_columns(rlnTomoTiltSeriesName=[f"Warp/{name}.mrcs" for name in TOMOGRAMS]).write(
        root / FILES["relion4"], durable=False
    )


def make_images(root: Path) -> None:
    """Write all images that it names, of headers and little else."""
    for name in TOMOGRAMS:
        for at in range(TILTS):
            image(root, f"MotionCorr/{name}_{at}.mrc", (400, 380, 1))
            image(root, f"frames/{name}_{at}.mrc", (400, 380, 8))
        image(root, f"maps/{name}.mrc", (100, 95, 50), voxel=5.4)
        image(root, f"Extract/job010/{name}_1_stack2d.mrcs", (8, 8, TILTS - 2 * (name == "TS_01")))


def image(root: Path, name: str, size: tuple[int, int, int], voxel: float = 1.35) -> None:
    """Write an image whose header has a size and a pixel size."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as made:
        made.set_data(np.zeros((1, 1, 1), dtype=np.int8))
        made.voxel_size = voxel
    header = bytearray(path.read_bytes())
    header[:12] = np.array(size, "<i4").tobytes()
    header[28:40] = np.array(size, "<i4").tobytes()
    header[40:52] = np.array([voxel * each for each in size], "<f4").tobytes()
    path.write_bytes(header)


def _global() -> pa.Table:
    return pa.table(
        {
            "rlnTomoName": TOMOGRAMS,
            "rlnTomoTiltSeriesStarFile": [FILES[name] for name in TOMOGRAMS],
            "rlnVoltage": [300.0] * 2,
            "rlnSphericalAberration": [2.7] * 2,
            "rlnAmplitudeContrast": [0.1] * 2,
            "rlnMicrographOriginalPixelSize": [0.675] * 2,
            "rlnTomoHand": [-1.0] * 2,
            "rlnOpticsGroupName": ["og"] * 2,
            "rlnTomoTiltSeriesPixelSize": [1.35] * 2,
            "rlnTomoSizeX": [400] * 2,
            "rlnTomoSizeY": [380] * 2,
            "rlnTomoSizeZ": [200] * 2,
            "rlnTomoTomogramBinning": [4.0] * 2,
            "rlnTomoImportFractionalDose": [3.0] * 2,
            "rlnTomoFiducialsStarFile": [FILES["fiducials"]] * 2,
        }
    )


def series(name: str) -> dict[str, Any]:
    return {
        "rlnMicrographMovieName": [f"frames/{name}_{at}.mrc" for at in range(TILTS)],
        "rlnTomoTiltMovieFrameCount": [8] * TILTS,
        "rlnTomoNominalStageTiltAngle": [-6.0, -3.0, 0.0, 3.0, 6.0],
        "rlnTomoNominalTiltAxisAngle": [85.0] * TILTS,
        "rlnMicrographPreExposure": [12.0, 6.0, 0.0, 3.0, 9.0],
        "rlnTomoNominalDefocus": [-3.0] * TILTS,
        "rlnMicrographName": [f"MotionCorr/{name}_{at}.mrc" for at in range(TILTS)],
        "rlnDefocusU": [30000.0] * TILTS,
        "rlnDefocusV": [29000.0] * TILTS,
        "rlnDefocusAngle": [10.0] * TILTS,
        "rlnPhaseShift": [0.0] * TILTS,
        "rlnCtfScalefactor": [0.9] * TILTS,
        "rlnTomoXTilt": [0.0] * TILTS,
        "rlnTomoYTilt": [-5.0, -2.0, 1.0, 4.0, 7.0],
        "rlnTomoZRot": [-95.0] * TILTS,
        "rlnTomoXShiftAngst": [3.0] * TILTS,
        "rlnTomoYShiftAngst": [-4.0] * TILTS,
    }


def _particles() -> dict[str, Any]:
    return {
        "general": {"rlnTomoSubTomosAre2DStacks": 1},
        "optics": pa.table(
            {
                "rlnOpticsGroup": [1],
                "rlnOpticsGroupName": ["og"],
                "rlnVoltage": [300.0],
                "rlnSphericalAberration": [2.7],
                "rlnTomoTiltSeriesPixelSize": [1.35],
            }
        ),
        "particles": pa.table(
            {
                "rlnTomoName": TOMOGRAMS,
                "rlnTomoParticleName": [f"{name}/1" for name in TOMOGRAMS],
                "rlnCenteredCoordinateXAngst": [10.0, -50.0],
                "rlnCenteredCoordinateYAngst": [20.0, 20.0],
                "rlnCenteredCoordinateZAngst": [30.0, 30.0],
                "rlnOpticsGroup": [1, 1],
                "rlnTomoVisibleFrames": [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]],
                "rlnRandomSubset": [1, 2],
                "rlnImageName": [f"Extract/job010/{name}_1_stack2d.mrcs" for name in TOMOGRAMS],
            }
        ),
    }


def _names() -> dict[str, Any]:
    return {
        "rlnTomoParticlesFile": FILES["particles"],
        "rlnTomoTomogramsFile": FILES["set"],
        "rlnTomoManifoldsFile": FILES["manifolds"],
        "rlnTomoReferenceMap1File": "",
    }


def _motion() -> dict[str, Any]:
    # The third image has the lowest dose.
    shifts = [2.0, 2.0, 0.0, 2.0, 2.0]
    table = pa.table({f"rlnOrigin{axis}Angst": shifts for axis in "XYZ"})
    return {"general": {"rlnParticleNumber": 2}, **{f"{name}/1": table for name in TOMOGRAMS}}


def _pipeline() -> dict[str, Any]:
    jobs = {
        "Import/job001/": "importtomo",
        "Tomograms/job006/": "reconstructtomograms",
        "Extract/job010/": "pseudosubtomo",
    }
    outputs = {"Tomograms/job006/": FILES["set"], "Extract/job010/": FILES["optimisation"]}
    return {
        "pipeline_general": {"rlnPipeLineJobCounter": 13},
        "pipeline_processes": pa.table(
            {
                "rlnPipeLineProcessName": list(jobs),
                "rlnPipeLineProcessAlias": ["None"] * 3,
                "rlnPipeLineProcessTypeLabel": [f"relion.{kind}" for kind in jobs.values()],
                "rlnPipeLineProcessStatusLabel": ["Succeeded"] * 3,
            }
        ),
        "pipeline_input_edges": pa.table(
            {"rlnPipeLineEdgeFromNode": [FILES["set"]], "rlnPipeLineEdgeProcess": ["Extract/job010/"]}
        ),
        "pipeline_output_edges": pa.table(
            {"rlnPipeLineEdgeProcess": list(outputs), "rlnPipeLineEdgeToNode": list(outputs.values())}
        ),
    }


# Changes.


def change(root: Path, edits: list[dict[str, Any]]) -> None:
    """Make the changes of an example."""
    for edit in edits:
        if "copy" in edit:
            source, target = root / FILES[edit["copy"]], root / edit["to"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        elif "link" in edit:
            (root / edit["link"]).symlink_to(edit["to"])
        elif "image" in edit:
            image(root, edit["image"], tuple(edit["size"]), edit.get("pixel", 1.35))
        elif "marker" in edit:
            (root / edit["marker"]).parent.mkdir(parents=True, exist_ok=True)
            (root / edit["marker"]).touch()
        elif "remove" in edit:
            (root / FILES.get(edit["remove"], edit["remove"])).unlink()
        elif "hex" in edit:
            (root / edit["file"]).write_bytes(bytes.fromhex(edit["hex"]))
        elif "text" in edit:
            path = root / FILES.get(edit["file"], edit["file"])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(edit["text"])
        else:
            _change_file(root / FILES.get(edit["file"], edit["file"]), edit)


def _change_file(path: Path, edit: dict[str, Any]) -> None:
    if "old" in edit:
        text = path.read_text()
        assert edit["old"] in text, edit
        path.write_text(text.replace(edit["old"], edit["new"]))
        return
    star = tomoset.read_star(path)
    block = edit.get("block", next(iter(star)))
    if "drop" in edit:
        star[block] = star[block].drop(edit["drop"])
        star.write(path, durable=False)
    elif "value" in edit:
        rows = range(star[block].num_rows) if edit.get("row") is None else [edit["row"]]
        for row in rows:
            _put(path, block, row, edit["label"], edit["value"])
    else:
        count = star[block].num_rows
        added = {label: values if isinstance(values, list) and len(values) == count else [values] * count
                 for label, values in edit["add"].items()}  # fmt: skip
        star[block] = star[block].with_columns(added)
        star.write(path, durable=False)


def _put(path: Path, block: str, row: int, label: str, value: str) -> None:
    """Put another word in the place of one."""
    (place,) = _core.find_places(path, [(block, row, label)])
    assert place is not None
    lines = path.read_text().split("\n")
    line, column = lines[place[0] - 1], place[1] - 1
    old = line[column:].split(maxsplit=1)[0]
    assert old, (line, column)
    lines[place[0] - 1] = f"{line[:column]}{value}{line[column + len(old) :]}"
    path.write_text("\n".join(lines))


def is_root() -> bool:
    """Whether nothing is forbidden to this process."""
    return os.geteuid() == 0
