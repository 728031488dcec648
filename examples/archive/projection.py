"""Projection matrices as RELION 4 stores them, one row of the matrix in each of four columns."""

from __future__ import annotations

from math import cos, radians, sin

from archive.acquisition import Session
from archive.star_text import Vector

PROJECTION_LABELS = ("rlnTomoProjX", "rlnTomoProjY", "rlnTomoProjZ", "rlnTomoProjW")


def rotation(x_tilt: float, y_tilt: float, z_rotation: float) -> tuple[Vector, Vector, Vector]:
    """Rotation from the tomogram to the image: Rz(z_rotation) Ry(y_tilt) Rx(x_tilt), angles in degrees."""
    cos_x, sin_x = cos(radians(x_tilt)), sin(radians(x_tilt))
    cos_y, sin_y = cos(radians(y_tilt)), sin(radians(y_tilt))
    cos_z, sin_z = cos(radians(z_rotation)), sin(radians(z_rotation))
    return (
        (cos_z * cos_y, cos_z * sin_y * sin_x - sin_z * cos_x, cos_z * sin_y * cos_x + sin_z * sin_x),
        (sin_z * cos_y, sin_z * sin_y * sin_x + cos_z * cos_x, sin_z * sin_y * cos_x - cos_z * sin_x),
        (-sin_y, cos_y * sin_x, cos_y * cos_x),
    )


def projection(
    session: Session, angles: tuple[float, float, float], shifts: tuple[float, float]
) -> tuple[Vector, Vector, Vector, Vector]:
    """Projection from tomogram pixels to image pixels.

    The centre of the tomogram goes to the centre of the image plus the shift. Angles are those of
    ``rotation``, shifts are x and y in angstrom; the matrix is::

        [ R  t ]      t = shift / pixel_size + image_size // 2 - R (volume_size // 2)
        [ 0  1 ]
    """
    width, height = session.image_size_px
    x, y, z = (size // 2 for size in session.volume_size_px)
    target = (shifts[0] / session.pixel_size + width // 2, shifts[1] / session.pixel_size + height // 2, 0.0)
    rows = [
        (*row, to - (row[0] * x + row[1] * y + row[2] * z))
        for row, to in zip(rotation(*angles), target, strict=True)
    ]
    return rows[0], rows[1], rows[2], (0.0, 0.0, 0.0, 1.0)
