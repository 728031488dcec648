"""Geometry as RELION has it: pure functions over NumPy arrays, broadcast over leading axes."""

from tomoset.geometry.euler import euler_matrices

__all__ = ["euler_matrices"]
