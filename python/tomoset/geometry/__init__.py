"""Geometry as RELION has it: pure functions over NumPy arrays, broadcast over leading axes."""

from tomoset.geometry.euler import euler_matrices
from tomoset.geometry.projection import Centre, ProjectionAngles, projection_angles, projection_matrices

__all__ = ["Centre", "ProjectionAngles", "euler_matrices", "projection_angles", "projection_matrices"]
