"""The model and optimiser files of a 3D refinement, with the columns and shells that matter most."""

from __future__ import annotations

from math import exp
from random import Random

from archive.particles import BINNING, BOX_SIZE
from archive.star_text import RELION, Cell

_SHELL_LABELS = (
    "rlnSpectralIndex",
    "rlnResolution",
    "rlnAngstromResolution",
    "rlnSsnrMap",
    "rlnGoldStandardFsc",
    "rlnFourierCompleteness",
    "rlnReferenceSigma2",
    "rlnReferenceTau2",
)


def model_tables(job: str, pixel_size: float, random: Random) -> list[str]:
    """Tables of run_model.star: the result as a whole, its one class, and that class shell by shell."""
    pixel_size *= BINNING
    resolution = pixel_size * random.uniform(2.1, 4.0)
    general: dict[str, Cell] = {
        "rlnReferenceDimensionality": 3,
        "rlnDataDimensionality": 2,
        "rlnOriginalImageSize": BOX_SIZE,
        "rlnCurrentResolution": resolution,
        "rlnCurrentImageSize": BOX_SIZE,
        "rlnPixelSize": pixel_size,
        "rlnNrClasses": 1,
        "rlnNrGroups": 1,
        "rlnNrOpticsGroups": 1,
        "rlnLogLikelihood": random.uniform(1e9, 3e9),
        "rlnAveragePmax": random.uniform(0.1, 0.9),
    }
    classes = RELION.cells([f"{job}/run_class001.mrc", 1.0, 0.6, 1.9, resolution, 1.0])
    return [
        RELION.values("model_general", general),
        RELION.loop(
            "model_classes",
            (
                "rlnReferenceImage",
                "rlnClassDistribution",
                "rlnAccuracyRotations",
                "rlnAccuracyTranslationsAngst",
                "rlnEstimatedResolution",
                "rlnOverallFourierCompleteness",
            ),
            [classes],
        ),
        RELION.loop("model_class_1", _SHELL_LABELS, _shells(pixel_size, resolution, random)),
    ]


def optimiser_tables(job: str, tomograms: str, random: Random) -> list[str]:
    """The two comment lines and the list of run_optimiser.star."""
    general: dict[str, Cell] = {
        "rlnOutputRootName": f"{job}/run",
        "rlnModelStarFile": f"{job}/run_model.star",
        "rlnExperimentalDataStarFile": f"{job}/run_data.star",
        "rlnTomoTomogramsFile": tomograms,
        "rlnTomoTrajectoriesFile": "",
        "rlnOrientSamplingStarFile": f"{job}/run_sampling.star",
        "rlnCurrentIteration": random.randrange(12, 25),
        "rlnNumberOfIterations": 999,
        "rlnDoSplitRandomHalves": 1,
        "rlnRandomSeed": random.randrange(10**9),
        "rlnParticleDiameter": 230.0,
        "rlnHighresLimitExpectation": -1.0,
        "rlnSolventMaskName": "None",
    }
    comments = f"# RELION optimiser; version 5.0.0\n# --o {job}/run --auto_refine --split_random_halves\n"
    return [comments, RELION.values("optimiser_general", general)]


def _shells(pixel_size: float, resolution: float, random: Random) -> list[str]:
    shells = []
    for index in range(BOX_SIZE // 4):
        frequency = index / (BOX_SIZE * pixel_size)
        length = 1.0 / frequency if index else 999.0
        correlation = 1.0 / (1.0 + exp(40.0 * (frequency * resolution - 1.0)))
        ssnr = correlation / max(1.0 - correlation, 0.001)
        sigma2 = 1.5e-11 * random.uniform(0.8, 1.2)
        shells.append(RELION.cells([index, frequency, length, ssnr, correlation, 1.0, sigma2, ssnr * sigma2]))
    return shells
