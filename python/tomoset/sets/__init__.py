"""The objects of the field: sets of tomograms with their tilt series, and of particles, over Arrow tables."""

from tomoset.sets.findings import Finding
from tomoset.sets.particle_set import ParticleSet
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_set import TomogramSet
from tomoset.sets.trajectory_set import TrajectorySet

__all__ = ["Finding", "ParticleSet", "TiltSeries", "Tomogram", "TomogramSet", "TrajectorySet"]
