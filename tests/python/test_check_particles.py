"""Particle sets that are looked at together: each has what it has alone."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
import tomoset
from hypothesis import given
from hypothesis import strategies as st
from tomoset import ParticleSet, TomogramSet
from tomoset.checking import units
from tomoset.checking.particle_view import ParticleView, shape_of
from tomoset.checking.particles import check_particles, rule_faults
from tomoset.sets.findings import located

HEAD = """data_general
_rlnTomoSubTomosAre2DStacks 1

data_optics
loop_
_rlnOpticsGroup
_rlnOpticsGroupName
_rlnVoltage
_rlnTomoTiltSeriesPixelSize
_rlnMtfFileName
{optics}

data_particles
loop_
_rlnTomoName
_rlnTomoParticleName
_rlnCenteredCoordinateXAngst
_rlnCenteredCoordinateYAngst
_rlnCenteredCoordinateZAngst
_rlnCoordinateX
_rlnCoordinateY
_rlnCoordinateZ
_rlnOpticsGroup
_rlnRandomSubset
_rlnBeamTiltClass
_rlnImageName
_rlnTomoVisibleFrames
{rows}
"""
GLOBAL = """data_global
loop_
_rlnTomoName
_rlnTomoTiltSeriesStarFile
_rlnVoltage
_rlnTomoTiltSeriesPixelSize
_rlnTomoSizeX
_rlnTomoSizeY
_rlnTomoSizeZ
"""
TILTS = 3


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> list[TomogramSet]:
    """Make two sets, of which some names are the same."""
    root = tmp_path_factory.mktemp("together")
    made = []
    for number, names in enumerate([("TS_1", "TS_2"), ("TS_2", "TS_3", "TS_4")]):
        folder = root / f"project{number}"
        folder.mkdir()
        rows = ""
        for at, name in enumerate(names):
            rows += f"{name} {name}.star {300 - 100 * at} {1.5 + number} {400 + at} 380 200\n"
            tilts = "".join(f"{tilt}.0\n" for tilt in range(TILTS + at))
            (folder / f"{name}.star").write_text(
                f"data_{name}\nloop_\n_rlnTomoNominalStageTiltAngle\n{tilts}\n"
            )
        (folder / "tomograms.star").write_text(f"{GLOBAL}{rows}\n")
        made.append(TomogramSet.read(folder / "tomograms.star", project_root=folder))
    return made


def written(folder: Path, number: int, chance: random.Random) -> Path:
    """Write particles of which some things are odd."""
    groups = [1, 2, 3][: chance.randint(1, 3)]
    if chance.random() < 0.2:
        groups.reverse()
    if chance.random() < 0.2:
        groups = [group * 10**18 for group in groups]

    def odd(usual: object, *others: object) -> object:
        return chance.choice(others) if chance.random() < 0.1 else usual

    optics = "\n".join(
        f"{group} og{group} {odd(300, 200)} {odd(1.5, 2.5)} {odd('a', '/b')}" for group in groups
    )
    spread = chance.choice([20, 190, 2000])
    least = chance.choice([-spread, 1])
    rows = []
    for row in range(chance.choice([1, 2, 5, 60])):
        name = chance.choice(["TS_1", "TS_2", "TS_3", "TS_9"])
        places = [chance.randint(least, spread) for _ in "xyz"]
        flags = ",".join(str(odd(1, 0, 2)) for _ in range(TILTS))
        values = [
            name,
            f"{odd(name, 'TS_2')}/{odd(row, 1)}",
            *places,
            *(odd(200, 0, "1e-120") for _ in "xyz"),
            chance.choice(groups),
            odd(1, 2, 3, "<NA>"),
            odd(1, 10**12, "<NA>"),
            odd("a.mrcs", "../a.mrcs"),
            f"[{flags}{odd('', ',1')}]",
        ]
        rows.append(" ".join(map(str, values)))
    path = folder / f"{number}.star"
    path.write_text(HEAD.format(optics=optics, rows="\n".join(rows)))
    return path


@given(seed=st.integers(0, 2**32))
def test_each_has_what_it_has_alone(
    sets: list[TomogramSet], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("particles")
    beside = chance.random() < 0.8
    every = [
        ParticleSet.read(written(folder, at, chance), tomograms=chance.choice(sets) if beside else None)
        for at in range(5)
    ]
    assert len({shape_of(each) for each in every}) == 1
    found: list[list[tomoset.Finding]] = [list(each.findings) for each in every]
    for part, finding in rule_faults(ParticleView(every)):
        found[part].append(finding)
    for each, own in zip(every, found, strict=True):
        assert located(own) == check_particles(each)


def test_what_is_null_in_one_set_is_of_no_other(tmp_path: Path) -> None:
    heads = [
        "rlnTomoName",
        *(f"rlnCoordinate{axis}" for axis in "XYZ"),
        "rlnRandomSubset",
        "rlnBeamTiltClass",
    ]
    sets = []
    for name, row in [("whole", f"3 {10**12}"), ("nulls", "<NA> <NA>")]:
        path = tmp_path / f"{name}.star"
        table = "\n".join([*(f"_{head}" for head in heads), f"a 1 1 1 {row}", f"a 1 1 1 1 {10**12}"])
        path.write_text(f"data_particles\nloop_\n{table}\n")
        sets.append(ParticleSet.read(path))
    found = [(part, finding.code, finding.found) for part, finding in rule_faults(ParticleView(sets))]
    assert found == [
        (0, "odd-half-set", "rlnRandomSubset is 3"),
        (1, "odd-half-set", "rlnRandomSubset is null"),
        (0, "digits-lost", "rlnBeamTiltClass is 1000000000000; 2 of 2 particles"),
        (1, "digits-lost", "rlnBeamTiltClass is 1000000000000"),
    ]


def test_only_some_are_laid_below_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "data_particles\nloop_\n_rlnTomoName\n_rlnTomoParticleName\n" + "".join(
        f"_rlnCoordinate{axis}\n" for axis in "XYZ"
    )
    for number in range(5):
        (tmp_path / f"{number}.star").write_text(f"{table}a a/{number} 1 1 1\na a/{number} 1 1 1\n")
    views: list[ParticleView] = []

    def view_of(sets: list[ParticleSet]) -> ParticleView:
        views.append(ParticleView(sets))
        return views[-1]

    together = tomoset.check(tmp_path)
    monkeypatch.setattr(units, "LARGE", 3)
    monkeypatch.setattr(units, "ParticleView", view_of)
    assert tomoset.check(tmp_path) == together
    assert [len(view) for view in views] == [4, 4, 2]
    assert [finding.code for finding in together].count("repeated-particle") == 5


@pytest.mark.parametrize("dictionary", [["a/1", "a/2", "a/3"], ["a/1", "a/1", "a/1"]])
def test_names_that_are_in_a_dictionary(tmp_path: Path, dictionary: list[str]) -> None:
    path = tmp_path / "a.star"
    heads = ["_rlnTomoName", *(f"_rlnCoordinate{axis}" for axis in "XYZ")]
    path.write_text("\n".join(["data_particles", "loop_", *heads, *["a 1 1 1"] * 3]) + "\n")
    codes = pa.array([0, 1, 1], pa.int32())
    names = pa.DictionaryArray.from_arrays(codes, pa.array(dictionary))
    found = ParticleSet.read(path).with_columns(rlnTomoParticleName=names).validate()
    assert [finding.code for finding in found] == ["repeated-particle"]


def test_what_is_made_is_odd_in_all_ways(sets: list[TomogramSet], tmp_path: Path) -> None:
    codes: set[str] = set()
    for seed in range(60):
        path = written(tmp_path, seed, random.Random(seed))
        codes.update(finding.code for finding in ParticleSet.read(path, tomograms=sets[0]).validate())
    assert codes >= {
        "repeated-particle",
        "foreign-particle-name",
        "odd-half-set",
        "tomogram-without-particles",
        "optics-mismatch",
        "visible-frames",
        "two-coordinates",
        "outside-tomogram",
        "not-centred",
        "odd-path",
        "digits-lost",
        "unknown-tomogram",
        "optics-out-of-order",
    }
