"""How plots look: colours, axes, and the figure they are drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["INK", "colours", "figure", "label_axes"]

#: Of text and axes.
INK = "#333333"
_FAINT = "#cccccc"
#: Told apart also by those who see fewer colours (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#999999", "#000000")


def figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("matplotlib is needed here: pip install 'tomoset[plot]'") from error
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def colours(count: int) -> Sequence[str]:
    """Give as many colours: distinct ones if they are few, else shades from dark to light."""
    if count <= len(_COLOURS):
        return _COLOURS[:count]
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = colormaps["viridis"]
    return [to_hex(shades(0.9 * at / (count - 1))) for at in range(count)]


def label_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Name what is drawn, with units, and take away what is no data."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.grid(visible=True, color=_FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_FAINT)
