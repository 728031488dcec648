"""The columns of the generated tables: RELION label -> kind of value, in file order."""

from collections.abc import Iterable
from typing import Literal

Kind = Literal["float", "int", "string"]

PARTICLES: dict[str, Kind] = {
    "rlnTomoName": "string",
    "rlnTomoParticleName": "string",
    "rlnTomoParticleId": "int",
    "rlnCoordinateX": "float",
    "rlnCoordinateY": "float",
    "rlnCoordinateZ": "float",
    "rlnTomoSubtomogramRot": "float",
    "rlnTomoSubtomogramTilt": "float",
    "rlnTomoSubtomogramPsi": "float",
    "rlnAngleRot": "float",
    "rlnAngleTilt": "float",
    "rlnAnglePsi": "float",
    "rlnAngleTiltPrior": "float",
    "rlnAnglePsiPrior": "float",
    "rlnOriginXAngst": "float",
    "rlnOriginYAngst": "float",
    "rlnOriginZAngst": "float",
    "rlnDefocusU": "float",
    "rlnDefocusV": "float",
    "rlnDefocusAngle": "float",
    "rlnImageName": "string",
    "rlnMicrographName": "string",
    "rlnOpticsGroup": "int",
    "rlnGroupNumber": "int",
    "rlnClassNumber": "int",
    "rlnNormCorrection": "float",
    "rlnRandomSubset": "int",
    "rlnLogLikeliContribution": "float",
    "rlnMaxValueProbDistribution": "float",
    "rlnNrOfSignificantSamples": "int",
}

TILTS: dict[str, Kind] = {
    "rlnMicrographMovieName": "string",
    "rlnTomoTiltMovieFrameCount": "int",
    "rlnTomoNominalStageTiltAngle": "float",
    "rlnTomoNominalTiltAxisAngle": "float",
    "rlnMicrographPreExposure": "float",
    "rlnTomoNominalDefocus": "float",
    "rlnCtfPowerSpectrum": "string",
    "rlnMicrographNameEven": "string",
    "rlnMicrographNameOdd": "string",
    "rlnMicrographName": "string",
    "rlnMicrographMetadata": "string",
    "rlnAccumMotionTotal": "float",
    "rlnAccumMotionEarly": "float",
    "rlnAccumMotionLate": "float",
    "rlnCtfImage": "string",
    "rlnDefocusU": "float",
    "rlnDefocusV": "float",
    "rlnCtfAstigmatism": "float",
    "rlnDefocusAngle": "float",
    "rlnCtfFigureOfMerit": "float",
    "rlnCtfMaxResolution": "float",
    "rlnCtfIceRingDensity": "float",
    "rlnTomoXTilt": "float",
    "rlnTomoYTilt": "float",
    "rlnTomoZRot": "float",
    "rlnTomoXShiftAngst": "float",
    "rlnTomoYShiftAngst": "float",
    "rlnCtfScalefactor": "float",
}

MOTION: dict[str, Kind] = {
    "rlnOriginXAngst": "float",
    "rlnOriginYAngst": "float",
    "rlnOriginZAngst": "float",
}

OPTICS: dict[str, Kind] = {
    "rlnVoltage": "float",
    "rlnSphericalAberration": "float",
    "rlnAmplitudeContrast": "float",
    "rlnTomoTiltSeriesPixelSize": "float",
    "rlnOpticsGroup": "int",
    "rlnOpticsGroupName": "string",
    "rlnCtfDataAreCtfPremultiplied": "int",
    "rlnImageDimensionality": "int",
    "rlnTomoSubtomogramBinning": "float",
    "rlnImagePixelSize": "float",
    "rlnImageSize": "int",
}

#: The three of the thirty particle columns that the pruning task asks for.
PICKED: dict[str, Kind] = {label: PARTICLES[label] for label in PARTICLES if "Coordinate" in label}

#: Columns whose sums are compared with the generator's, so that a shifted or rounded column shows.
CHECKED = ("rlnCoordinateX", "rlnDefocusU", "rlnOriginXAngst")


def count_kinds(kinds: Iterable[str]) -> str:
    """Words such as ``20 float, 6 int, 4 string``."""
    found = list(kinds)
    names = ["float", "int", "string", *sorted(set(found) - {"float", "int", "string"})]
    return ", ".join(f"{found.count(name)} {name}" for name in names if name in found)
