"""The objects of the field: tomogram sets and tilt series over Arrow tables."""

from tomoset.sets.findings import Finding
from tomoset.sets.tilt_series import TiltSeries
from tomoset.sets.tomogram import Tomogram
from tomoset.sets.tomogram_set import TomogramSet

__all__ = ["Finding", "TiltSeries", "Tomogram", "TomogramSet"]
