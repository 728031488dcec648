"""Geometry as RELION has it: pure functions over NumPy arrays, most of them broadcast over leading axes."""

from tomoset.geometry.coordinates import (
    CoordinateCentre,
    centred_to_px,
    centres,
    map_size,
    px_to_centred,
    px_to_voxels,
    shifted_positions,
    voxels_to_px,
)
from tomoset.geometry.ctf import ctf, ctf_1d, ctf_zeros, defocus_at, max_thickness, phase, wavelength
from tomoset.geometry.deformation import deformation, num_coefficients
from tomoset.geometry.dose import (
    critical_dose,
    cumulative_dose,
    dose_weight,
    fractional_dose,
    least_dosed,
    ranks,
)
from tomoset.geometry.euler import EulerAngles, euler_angles, euler_matrices
from tomoset.geometry.orientation import (
    from_rotation,
    matrices_of_quaternions,
    quaternions,
    to_rotation,
)
from tomoset.geometry.projection import (
    Centre,
    ProjectionAngles,
    back_project,
    binned_matrices,
    depth_offset,
    is_visible,
    project,
    projection_angles,
    projection_matrices,
    view_directions,
)
from tomoset.geometry.wedge import sampled_wedge, tilt_axis, tilt_space

__all__ = [
    "Centre",
    "CoordinateCentre",
    "EulerAngles",
    "ProjectionAngles",
    "back_project",
    "binned_matrices",
    "centred_to_px",
    "centres",
    "critical_dose",
    "ctf",
    "ctf_1d",
    "ctf_zeros",
    "cumulative_dose",
    "defocus_at",
    "deformation",
    "depth_offset",
    "dose_weight",
    "euler_angles",
    "euler_matrices",
    "fractional_dose",
    "from_rotation",
    "is_visible",
    "least_dosed",
    "map_size",
    "matrices_of_quaternions",
    "max_thickness",
    "num_coefficients",
    "phase",
    "project",
    "projection_angles",
    "projection_matrices",
    "px_to_centred",
    "px_to_voxels",
    "quaternions",
    "ranks",
    "sampled_wedge",
    "shifted_positions",
    "tilt_axis",
    "tilt_space",
    "to_rotation",
    "view_directions",
    "voxels_to_px",
    "wavelength",
]
