"""Tensors as pictures: a pixel for each entry, or for the mean of a block of entries.

The colours are blue below zero, white at zero and orange above. Each tensor has its own scale,
which is the same on both sides of zero.
"""

import struct
import zlib
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from circuitgrad.viz.account import Tensor
from circuitgrad.viz.content import Picture
from circuitgrad.viz.numbers import format_number
from circuitgrad.viz.themes import Role

MOST_ROWS: Final = 32
MOST_COLUMNS: Final = 64
_CELL: Final = 4.0
_WIDE_CELL: Final = 7.0  # of short vectors
_MOST_WIDE: Final = 12
_VECTOR_HEIGHT: Final = 9.0
_SMALLEST: Final = 28.0  # cells of small matrices grow until this is the longer side
# From the most negative entry over zero to the most positive one; and what is not finite.
_SCALE: Final = (
    (0x21, 0x66, 0xAC),
    (0x92, 0xC5, 0xDE),
    (0xF7, 0xF7, 0xF7),
    (0xF4, 0xA5, 0x6E),
    (0xB2, 0x46, 0x0A),
)
_BROKEN: Final = np.array((0xD1, 0x00, 0x6C), dtype=np.uint8)


class Pooled(NamedTuple):
    """A tensor as a matrix of at most 32 × 64 means; ``blocks`` is how many entries each covers."""

    cells: NDArray[np.float64]
    blocks: tuple[int, int]

    @property
    def is_exact(self) -> bool:
        """Whether every cell is one entry."""
        return self.blocks == (1, 1)


def pooled(value: Tensor) -> Pooled:
    """The tensor as a matrix that fits a picture: vectors as a row, further axes joined with rows.

    A mean is not finite where one of its entries is not.

    Args:
        value: A tensor with at least one axis and one entry.

    >>> pooled(np.arange(130.0)).cells.shape, pooled(np.ones((3, 4, 5))).cells.shape
    ((1, 44), (12, 5))
    """
    array = np.asarray(value, dtype=np.float64)
    rows = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    tall, wide = (
        -(-size // most) for size, most in zip(rows.shape, (MOST_ROWS, MOST_COLUMNS), strict=True)
    )
    if (tall, wide) == (1, 1):
        return Pooled(rows, (1, 1))
    with np.errstate(all="ignore"):
        sums = _block_sums(_block_sums(rows, tall, 0), wide, 1)
        counts = np.outer(_lengths(rows.shape[0], tall), _lengths(rows.shape[1], wide))
        return Pooled(sums / counts, (tall, wide))


def _block_sums(rows: NDArray[np.float64], size: int, axis: int) -> NDArray[np.float64]:
    """Sums of blocks of neighbours along one axis; the last block may be shorter."""
    starts = np.arange(0, rows.shape[axis], size)
    return np.add.reduceat(rows, starts, axis=axis)


def _lengths(total: int, size: int) -> NDArray[np.int64]:
    """How many entries every block has."""
    starts = np.arange(0, total, size)
    return np.minimum(starts + size, total) - starts


def colours(cells: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Red, green and blue of every cell, on a scale that is symmetric about zero.

    Args:
        cells: A matrix.

    >>> colours(np.array([[-2.0, 0.0, 2.0]])).tolist()
    [[[33, 102, 172], [247, 247, 247], [178, 70, 10]]]
    """
    finite = np.isfinite(cells)
    known = np.where(finite, cells, 0.0)
    largest = float(np.abs(known).max(initial=0.0))
    share = known / largest if largest else known
    stops = np.linspace(-1, 1, len(_SCALE))
    mixed = [np.interp(share, stops, channel) for channel in zip(*_SCALE, strict=True)]
    found: NDArray[np.uint8] = np.rint(np.stack(mixed, axis=-1)).astype(np.uint8)
    found[~finite] = _BROKEN
    return found


def heatmap(value: Tensor, role: Role) -> Picture:
    """The picture of a tensor.

    Args:
        value: A tensor with at least one axis and one entry.
        role: The colour of its frame: ``"fwd"`` for values, that of a pass for gradients.
    """
    found = pooled(value)
    pixels = colours(found.cells)
    rows, columns = found.cells.shape
    if rows == 1:
        width, height = _WIDE_CELL if columns <= _MOST_WIDE else _CELL, _VECTOR_HEIGHT
    else:
        width = height = max(_CELL, round(_SMALLEST / max(rows, columns)))
    lines = tuple(row.tobytes() for row in pixels)
    return Picture(lines, width, height, role, _words(np.asarray(value), found))


def _words(value: Tensor, found: Pooled) -> str:
    """What a picture shows, for readers who do not see it."""
    finite = value[np.isfinite(value)]
    shape = "×".join(map(str, value.shape))
    parts = [f"Heatmap of shape {shape}"]
    if finite.size:
        low, high = format_number(float(finite.min())), format_number(float(finite.max()))
        parts.append(f"from {low} to {high}")
    if finite.size < value.size:
        parts.append(f"{value.size - finite.size} entries not finite")
    if not found.is_exact:
        tall, wide = found.blocks
        parts.append(f"each cell the mean of up to {tall}×{wide} entries")
    return ", ".join(parts)


def png_bytes(rows: tuple[bytes, ...]) -> bytes:
    """Rows of pixels as a PNG file.

    Args:
        rows: Red, green and blue of every pixel, row by row.

    Source: Portable Network Graphics, third edition, W3C 2025: chunks and filter type 0.
    """
    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\x00" + row for row in rows), 9)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    """A length, a kind, a body, and the check sum of both."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
