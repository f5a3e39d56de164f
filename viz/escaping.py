"""Text of the user, made safe for SVG and for the labels of Graphviz."""

from typing import Final

_ENTITIES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
)
# Marks that turn the direction of text, and controls that XML forbids, would spoil what follows.
_CONTROLS: Final = (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))
_TURNS: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_FORBIDDEN: Final = dict.fromkeys(
    (*_CONTROLS, *_TURNS, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}"
)


def escape(text: str) -> str:
    """The text for use in markup, as content and in attributes.

    Controls and marks that turn the direction of text become visible replacement characters.

    Args:
        text: Any text.

    >>> escape("</script>")
    '&lt;/script&gt;'
    """
    return visible(text).translate(_ENTITIES)


def visible(text: str) -> str:
    """The text on one line, with replacement characters for controls and turning marks.

    Args:
        text: Any text.
    """
    flat = text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return flat.translate(_FORBIDDEN)
