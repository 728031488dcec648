"""Plots that people look at, as matplotlib figures."""

from tomoset.plots.tomograms import plot_tomograms

__all__ = ["plot_tomograms"]
