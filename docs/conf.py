"""How Sphinx makes the site of these pages: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import tomoset
from docutils.nodes import Text
from lexers import SessionLexer, StarLexer
from sphinx.addnodes import pending_xref
from sphinx.util.nodes import find_pending_xref_condition
from tomoset import __version__, compare, geometry, merging

if TYPE_CHECKING:
    from docutils.nodes import document
    from sphinx.application import Sphinx

#: Where names in docstrings are looked up that are nothing but a word.
MODULES = (tomoset, geometry, compare, merging)

project = "tomoset"
author = "the authors of tomoset"
copyright = "the authors of tomoset, MIT licence"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}

# Anchors are those of GitHub, so that links between pages work in both places.
myst_heading_anchors = 4

# Docstrings: numpydoc sections, and names in single backticks are looked up.
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_class_signature = "separated"
autodoc_default_options = {"exclude-members": "__new__, __init__"}
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True

highlight_language = "none"
# "--force" stays as it is.
smartquotes = False

html_theme = "furo"
html_title = "tomoset"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "tango"
pygments_dark_style = "monokai"

# "$ " and what a command prints are not copied.
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"


def leave_words(_: Sphinx, doctree: document) -> None:
    """Take no word of a docstring, such as the name of a parameter, for an attribute of another class."""
    for found in list(doctree.findall(pending_xref)):
        name = found["reftarget"]
        if found["refdomain"] == "py" and name.islower() and not any(hasattr(each, name) for each in MODULES):
            shown = find_pending_xref_condition(found, "resolved") or found
            found.replace_self(shown.children)
    for dashes in list(doctree.findall(lambda node: isinstance(node, Text) and node == " -- ")):
        dashes.parent.replace(dashes, Text(" \N{EN DASH} "))


def join_colons(_: Sphinx, what: str, *others: object) -> None:
    """Put together again what napoleon takes for a type: the words before the first colon of an attribute."""
    lines: list[str] = others[-1]  # type: ignore[assignment]
    types = [line for line in lines if line.startswith(":type: ")]
    if what in {"attribute", "property", "data"} and types:
        lines.remove(types[0])
        lines[0] = f"{types[0].removeprefix(':type: ')}: {lines[0]}"


def show_help(_: Sphinx, __: object, lines: list[str]) -> None:
    """Show what click prints as it stands: examples as code, and no mark-up in words."""
    shown: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            shown.append(line.replace("*", r"\*").replace(r"\*\*Required\*\*", "**Required**"))
            continue
        if not shown or not shown[-1].startswith("   "):
            shown += ["", "::", ""]
        shown.append(f"   {line.removeprefix('| ')}" if line != "|" else "")
    lines[:] = [*shown, ""] if shown else []


def setup(app: Sphinx) -> None:
    """Tell Sphinx of STAR text, and of words."""
    app.add_lexer("star", StarLexer)
    app.add_lexer("console", SessionLexer)
    app.connect("doctree-read", leave_words)
    app.connect("autodoc-process-docstring", join_colons, priority=600)
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", show_help)
