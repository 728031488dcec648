"""Plots that people look at, as matplotlib figures."""

from tomoset.plots.tilt_series import plot_tilt_series
from tomoset.plots.tomograms import plot_tomograms

__all__ = ["plot_tilt_series", "plot_tomograms"]
