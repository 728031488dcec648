"""Labels and block names that join the files of a set."""

from __future__ import annotations

__all__ = ["FRAME_COUNT", "GENERAL", "GLOBAL", "IMAGE", "NAME", "ORIGIN", "PARTICLE", "SERIES_FILE", "STACK"]

#: The block of a tomogram set's table.
GLOBAL = "global"
#: The tomogram's name, by which all else is found.
NAME = "rlnTomoName"
#: Where RELION 5 has the tilt series' table.
SERIES_FILE = "rlnTomoTiltSeriesStarFile"
#: Where RELION 4 and Warp have the tilt series' images, and how many they are.
STACK = "rlnTomoTiltSeriesName"
FRAME_COUNT = "rlnTomoFrameCount"
#: The image of a tilt.
IMAGE = "rlnMicrographName"
#: The list that tells what a file of particles or trajectories holds.
GENERAL = "general"
#: The particle's name, by which its trajectory is found.
PARTICLE = "rlnTomoParticleName"
#: Offsets in A: of particles from their coordinates, of trajectories, of fiducials from the corner.
ORIGIN = tuple(f"rlnOrigin{axis}Angst" for axis in "XYZ")
