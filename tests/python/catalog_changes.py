"""What may happen to the archive of the tests between two crawls."""

import shutil
from pathlib import Path

from catalog_samples import pipeline, tilt_series, tomogram_set, write


def change_content(root: Path) -> None:
    write(root / "2026/p1/MotionCorr/job002/tilt_series/TS_02.star", tilt_series("TS_02", 5, 41000))


def add_files(root: Path) -> None:
    write(root / "2026/p2/Align/job005/aligned.star", tomogram_set("MotionCorr/job002", ["TS_03"]))
    write(root / "2026/other/x.star", tilt_series("TS_50"))


def delete_files(root: Path) -> None:
    (root / "2026/p1/Tomograms/job003/tomograms.star").unlink()
    (root / "loose.star").unlink()


def delete_a_project(root: Path) -> None:
    shutil.rmtree(root / "2026/p1/inner")


def finish_a_job(root: Path) -> None:
    write(root / "2026/p2/MotionCorr/job002/RELION_JOB_EXIT_FAILURE", "")


def make_a_project_of_a_folder(root: Path) -> None:
    write(root / "2026/default_pipeline.star", pipeline({}))


def end_a_project(root: Path) -> None:
    (root / "2026/p2/default_pipeline.star").unlink()


def move_a_project(root: Path) -> None:
    (root / "2026/p2").rename(root / "2026/p3")


def replace_by_the_same_size(root: Path) -> None:
    path = root / "2026/p1/Import/job001/tilt_series/TS_01.star"
    text = path.read_text()
    path.unlink()
    write(path, text.replace("30000", "30009"), age=1800)
