"""A figure as PDF: its SVG on one page of its size, set by Typst."""

import importlib.util
import re
from typing import Any, Final

from circuitgrad.errors import BackendError, RenderError
from circuitgrad.viz.fonts import spare_font

# The document is always the same: what differs comes in as inputs, which are never read as markup.
_DOCUMENT: Final = b"""
#let width = float(sys.inputs.width) * 1pt
#let height = float(sys.inputs.height) * 1pt
#set document(title: sys.inputs.title, date: none)
#set page(width: width, height: height, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", width: width, height: height, alt: sys.inputs.alt)
"""
_NEED_PDF: Final = (
    "pdf: the package typst is not installed; it is needed to write PDF. "
    "Run: pip install 'circuitgrad[pdf]' or save an .svg file"
)
_SIZE: Final = re.compile(r'<svg [^>]*width="(\d+)" height="(\d+)"')


def pdf_bytes(svg: str, title: str, words: str) -> bytes:
    """The figure as a PDF document of one page.

    Args:
        svg: The figure with colours baked in.
        title: The title of the document.
        words: What the figure shows, for screen readers.

    Raises:
        BackendError: The package typst is not installed.
        RenderError: Typst refused the figure.
    """
    if importlib.util.find_spec("typst") is None:
        raise BackendError(_NEED_PDF)
    import typst

    size = _SIZE.match(svg)
    if size is None:
        raise RenderError("pdf: got no SVG of this library; needed one with a width and a height.")
    inputs = {"svg": svg, "title": title, "alt": words, "width": size[1], "height": size[2]}
    font = spare_font()
    folders: dict[str, Any] = {"font_paths": [str(font.parent)]} if font else {}
    try:
        found, _ = typst.compile_with_warnings(
            _DOCUMENT, format="pdf", sys_inputs=inputs, **folders
        )
        return bytes(found)
    except RuntimeError as error:
        raise RenderError(f"pdf: Typst refused the figure: {error}. Save an .svg file.") from error
