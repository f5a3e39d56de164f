"""The last resort in fonts, for systems that have none: the one that ziafont ships."""

import importlib.util
import pathlib


def spare_font() -> pathlib.Path | None:
    """The file of a sans-serif font; None where ziafont is not installed."""
    found = importlib.util.find_spec("ziafont")
    if found is None or found.origin is None:
        return None
    font = pathlib.Path(found.origin).parent / "fonts" / "DejaVuSans.ttf"
    return font if font.is_file() else None
