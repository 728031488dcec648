"""Stand-ins for other packages: `tomoset.compat.starfile` for `starfile`.

`install` makes ``import starfile`` give it, without a change to whoever imports; so does
``python -m tomoset.compat SCRIPT``.
"""

from __future__ import annotations

from tomoset.compat.installing import install, uninstall

__all__ = ["install", "uninstall"]
