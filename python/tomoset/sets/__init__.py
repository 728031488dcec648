"""The objects of the field: sets of tomograms with their tilt series, and of particles, over Arrow tables."""

from tomoset.sets.fiducials import read_fiducials, write_fiducials
from tomoset.sets.findings import Finding
from tomoset.sets.manifold_set import Manifold, ManifoldSet
from tomoset.sets.optimisation_set import OptimisationSet
from tomoset.sets.particle_set import ParticleSet
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.sets.trajectory_set import TrajectorySet

__all__ = [
    "Finding",
    "Manifold",
    "ManifoldSet",
    "OptimisationSet",
    "ParticleSet",
    "TiltSeries",
    "Tomogram",
    "TomogramSet",
    "TrajectorySet",
    "read_fiducials",
    "write_fiducials",
]
