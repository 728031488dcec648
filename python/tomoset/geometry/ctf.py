"""The contrast transfer function of tilt images."""

from __future__ import annotations

import operator

import numpy as np
import numpy.typing as npt

from tomoset.geometry.checks import floats, fraction, positive, shaped
from tomoset.geometry.dose import dose_weight

__all__ = ["ctf", "ctf_1d", "ctf_zeros", "defocus_at", "max_thickness", "phase", "wavelength"]

Floats = npt.NDArray[np.float64]


def wavelength(voltage: npt.ArrayLike) -> Floats:
    """Give the wavelength of electrons in A.

    As RELION's ``CTF::initialise``: ``12.2643247 / sqrt(v (1 + 0.978466e-6 v))`` with ``v`` in volts.

    Parameters
    ----------
    voltage : array_like
        ``rlnVoltage`` in kV.

    Returns
    -------
    (...) float64 array

    Examples
    --------
    >>> float(wavelength(300).round(6))
    0.019688
    """
    volts = 1000 * positive("voltage", voltage)
    return np.asarray(12.2643247 / np.sqrt(volts * (1 + 0.978466e-6 * volts)))


def defocus_at(
    defocus: npt.ArrayLike,
    depth: npt.ArrayLike,
    *,
    pixel_size: npt.ArrayLike,
    hand: npt.ArrayLike,
    slope: npt.ArrayLike = 1.0,
) -> Floats:
    """Give the defocus of a place by its depth: ``defocus + hand * pixel_size * slope * depth``.

    As RELION's ``Tomogram::getCtf``, of U and of V alike.

    Parameters
    ----------
    defocus : array_like
        ``rlnDefocusU`` or ``rlnDefocusV`` in A: that of the tomogram's centre.
    depth : array_like
        In pixels of the tilt series, as `depth_offset` gives it.
    pixel_size : array_like
        ``rlnTomoTiltSeriesPixelSize`` in A.
    hand : array_like
        ``rlnTomoHand``, 1 or -1.
    slope : array_like
        ``rlnTomoDefocusSlope``.

    Returns
    -------
    (...) float64 array
        In A.
    """
    per_pixel = floats(hand) * positive("pixel_size", pixel_size) * floats(slope)
    return np.asarray(floats(defocus) + per_pixel * floats(depth))


def phase(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    defocus_u: npt.ArrayLike,
    defocus_v: npt.ArrayLike,
    defocus_angle: npt.ArrayLike,
    voltage: npt.ArrayLike,
    spherical_aberration: npt.ArrayLike,
    amplitude_contrast: npt.ArrayLike,
    phase_shift: npt.ArrayLike = 0.0,
) -> Floats:
    r"""Give the phase ``gamma``, whose sine is the contrast transfer but for sign, envelope and scale.

    As RELION's ``CTF``, without its even Zernike polynomials::

        gamma = -pi l D + pi/2 Cs l^3 k^4 - phase_shift - atan(Q / sqrt(1 - Q^2)),      k^2 = x^2 + y^2
        D     = U (x cos a + y sin a)^2 + V (-x sin a + y cos a)^2

    Parameters are broadcast against each other.

    Parameters
    ----------
    x, y : array_like
        Spatial frequencies in 1/A.
    defocus_u, defocus_v : array_like
        ``rlnDefocusU``, ``rlnDefocusV`` in A, positive for underfocus.
    defocus_angle : array_like
        ``rlnDefocusAngle``, from x to U, in degrees.
    voltage : array_like
        ``rlnVoltage`` in kV.
    spherical_aberration : array_like
        ``rlnSphericalAberration`` in mm.
    amplitude_contrast : array_like
        ``rlnAmplitudeContrast``, 0 to 1.
    phase_shift : array_like
        ``rlnPhaseShift`` in degrees.

    Returns
    -------
    (...) float64 array
        In radians.
    """
    fx, fy = floats(x), floats(y)
    turn = np.radians(floats(defocus_angle))
    contrast = fraction("amplitude_contrast", amplitude_contrast)
    length = wavelength(voltage)
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = floats(defocus_u), floats(defocus_v)
    squared = fx * fx + fy * fy
    # D by powers of x and y: their factors are of each image, and not of each frequency.
    bent = (u * cos**2 + v * sin**2) * (fx * fx)
    bent = bent + ((u * sin**2 + v * cos**2) * (fy * fy) + (u - v) * (2 * sin * cos) * (fx * fy))
    sphere = 1e7 * floats(spherical_aberration)
    constant = np.radians(floats(phase_shift)) + np.arcsin(contrast)
    found: Floats = np.pi * length * (0.5 * sphere * length**2) * squared**2 - (np.pi * length) * bent
    return np.asarray(found - constant)


def ctf(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    defocus_u: npt.ArrayLike,
    defocus_v: npt.ArrayLike,
    defocus_angle: npt.ArrayLike,
    voltage: npt.ArrayLike,
    spherical_aberration: npt.ArrayLike,
    amplitude_contrast: npt.ArrayLike,
    phase_shift: npt.ArrayLike = 0.0,
    bfactor: npt.ArrayLike = 0.0,
    scale: npt.ArrayLike = 1.0,
    dose: npt.ArrayLike | None = None,
    bfactor_per_dose: npt.ArrayLike = 0.0,
    magnification: npt.ArrayLike | None = None,
) -> Floats:
    """Give the contrast transfer function: ``-sin(gamma) * envelope * scale``.

    As RELION's ``CTF::getCTF``: the envelope is ``exp(-B k^2 / 4)``, or that of the dose where one is given; values
    within 1e-8 of 0 are 1e-8 off it.

    Parameters are broadcast against each other.

    Parameters
    ----------
    x, y, defocus_u, defocus_v, defocus_angle, voltage, spherical_aberration, amplitude_contrast, phase_shift
        As for `phase`.
    bfactor : array_like
        ``rlnCtfBfactor`` in A^2.
    scale : array_like
        ``rlnCtfScalefactor``.
    dose : array_like, optional
        In e/A^2; its envelope, `dose_weight`, then takes the place of that of the B-factor. RELION passes over a
        negative one; here it is an error.
    bfactor_per_dose : array_like
        As for `dose_weight`; where it is positive, RELION's refinement has this envelope, too, while its ``CTF`` knows
        only that of the critical dose.
    magnification : (..., 2, 2) array_like, optional
        ``rlnMagMat00`` to ``11``: frequencies are multiplied by it first.

    Returns
    -------
    (...) float64 array

    Examples
    --------
    >>> optics = dict(voltage=300, spherical_aberration=2.7, amplitude_contrast=0.1)
    >>> float(ctf(0.05, -0.08, defocus_u=35000, defocus_v=30000, defocus_angle=40, **optics).round(9))
    -0.803935154
    """
    fx, fy = floats(x), floats(y)
    if magnification is not None:
        m = shaped("magnification", magnification, 2, 2)
        fx, fy = m[..., 0, 0] * fx + m[..., 0, 1] * fy, m[..., 1, 0] * fx + m[..., 1, 1] * fy
    gamma = phase(
        fx,
        fy,
        defocus_u=defocus_u,
        defocus_v=defocus_v,
        defocus_angle=defocus_angle,
        voltage=voltage,
        spherical_aberration=spherical_aberration,
        amplitude_contrast=amplitude_contrast,
        phase_shift=phase_shift,
    )
    squared = fx * fx + fy * fy
    decay = np.exp(-0.25 * floats(bfactor) * squared)
    envelope = decay
    if dose is not None:
        envelope = dose_weight(np.sqrt(squared), dose, bfactor_per_dose=bfactor_per_dose)
    found = np.asarray(np.sin(gamma) * (-envelope * floats(scale)))
    near = np.abs(found) < 1e-8
    if near.any():
        found = np.where(near, np.where(found < 0, -1e-8, 1e-8), found)
    return found


def ctf_1d(
    frequency: npt.ArrayLike,
    *,
    defocus: npt.ArrayLike,
    voltage: npt.ArrayLike,
    spherical_aberration: npt.ArrayLike,
    amplitude_contrast: npt.ArrayLike,
    phase_shift: npt.ArrayLike = 0.0,
    bfactor: npt.ArrayLike = 0.0,
    scale: npt.ArrayLike = 1.0,
    dose: npt.ArrayLike | None = None,
    bfactor_per_dose: npt.ArrayLike = 0.0,
) -> Floats:
    """Give the contrast transfer function without astigmatism, by the frequency alone.

    Parameters
    ----------
    frequency : array_like
        In 1/A.
    defocus : array_like
        In A, the mean of ``rlnDefocusU`` and ``rlnDefocusV`` for one.
    voltage, spherical_aberration, amplitude_contrast, phase_shift, bfactor, scale, dose, bfactor_per_dose
        As for `ctf`.

    Returns
    -------
    (...) float64 array
    """
    return ctf(
        frequency,
        0.0,
        defocus_u=defocus,
        defocus_v=defocus,
        defocus_angle=0.0,
        voltage=voltage,
        spherical_aberration=spherical_aberration,
        amplitude_contrast=amplitude_contrast,
        phase_shift=phase_shift,
        bfactor=bfactor,
        scale=scale,
        dose=dose,
        bfactor_per_dose=bfactor_per_dose,
    )


def ctf_zeros(
    count: int,
    *,
    defocus: npt.ArrayLike,
    voltage: npt.ArrayLike,
    spherical_aberration: npt.ArrayLike,
    amplitude_contrast: npt.ArrayLike,
    phase_shift: npt.ArrayLike = 0.0,
) -> Floats:
    """Give the first frequencies at which the contrast transfer function without astigmatism is zero.

    Where `phase` is ``-n pi``, which is a quadratic equation in the square of the frequency; of its two solutions the
    lower one, before spherical aberration turns the phase around.

    Parameters
    ----------
    count : int
        How many, from the lowest on.
    defocus, voltage, spherical_aberration, amplitude_contrast, phase_shift
        As for `ctf_1d`.

    Returns
    -------
    (..., count) float64 array
        In 1/A; NaN where there are no more on this branch: beyond the turn, which comes early at small defocus, and
        at overfocus zeros are not looked for.

    Raises
    ------
    ValueError
        A count that is not positive.

    Examples
    --------
    >>> optics = dict(voltage=300, spherical_aberration=2.7, amplitude_contrast=0.1)
    >>> ctf_zeros(3, defocus=30000, **optics).round(4).tolist()
    [0.0405, 0.0577, 0.0709]
    """
    count = operator.index(count)
    if count < 1:
        raise ValueError(f"count is {count}; it must be positive")
    length = wavelength(voltage)[..., None]
    contrast = fraction("amplitude_contrast", amplitude_contrast)[..., None]
    constant = np.radians(floats(phase_shift))[..., None] + np.arcsin(contrast)
    sphere = 0.5e7 * np.pi * floats(spherical_aberration)[..., None] * length**3
    bent = np.pi * length * floats(defocus)[..., None]
    # sphere q^2 - bent q + rest = 0; the lower solution, in a form that is exact also without spherical aberration.
    # The first is at the lowest multiple of pi that the phase has not passed at the origin.
    first = np.floor(constant / np.pi) + 1
    rest = np.pi * (first + np.arange(count)) - constant
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = 2 * rest / (bent + np.sqrt(bent**2 - 4 * sphere * rest))
        good = (squared > 0) & np.isfinite(squared)
        return np.asarray(np.sqrt(np.where(good, squared, np.nan)))


def max_thickness(frequency: npt.ArrayLike, *, voltage: npt.ArrayLike) -> Floats:
    """Give the thickness of a specimen at which its Thon rings vanish at a frequency: ``1 / (wavelength k^2)``.

    Depths along the beam have defoci of their own: over a thickness ``t`` the phase changes by ``pi wavelength t k^2``,
    and the power's modulation is averaged to ``sinc(wavelength t k^2)`` of that of a thin specimen (McMullan et al.
    2015, Tichelaar et al. 2020), whose first zero this is. RELION has no such function.

    Parameters
    ----------
    frequency : array_like
        In 1/A.
    voltage : array_like
        ``rlnVoltage`` in kV.

    Returns
    -------
    (...) float64 array
        In A; infinite at frequency 0.

    Examples
    --------
    >>> float(max_thickness(1 / 10, voltage=300).round())
    5079.0
    """
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (wavelength(voltage) * floats(frequency) ** 2))
