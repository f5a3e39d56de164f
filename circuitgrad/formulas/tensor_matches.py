"""Where a product of factors stands in another product, whatever its indices are called."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.formulas.tensor_terms import Factor, Index

MAX_MATCHED = 6  # factors; longer products are not looked for

Place = dict[Index, Index]


def matched(
    pattern: Sequence[Factor], factors: Sequence[Factor], start: Place
) -> tuple[list[Factor], Place] | None:
    """The factors that are a pattern's at other indices, and where its indices went; or None.

    Args:
        pattern: The factors that are looked for.
        factors: The product in which they may stand.
        start: Where some of the pattern's indices have to go.
    """
    if not 0 < len(pattern) <= MAX_MATCHED:
        return None
    pending: list[tuple[tuple[Factor, ...], tuple[Factor, ...], Place]] = [
        (tuple(pattern), (), start)
    ]
    while pending:
        left, used, place = pending.pop()
        if not left:
            return list(used), place
        # Next comes a factor at an index that is placed already, so that little has to be tried.
        wanted = next((f for f in left if any(i in place for i in f.indices)), left[0])
        rest = tuple(f for f in left if f is not wanted)
        for factor in factors:
            if factor.color != wanted.color or any(factor is other for other in used):
                continue
            turns = (1, -1) if wanted.is_symmetric else (1,)
            for turn in turns:
                extended = _extended(place, wanted.indices, factor.indices[::turn])
                if extended is not None:
                    pending.append((rest, (*used, factor), extended))
    return None


def _extended(place: Place, own: Sequence[Index], other: Sequence[Index]) -> Place | None:
    extended = dict(place)
    for index, target in zip(own, other, strict=True):
        if extended.setdefault(index, target) != target:
            return None
    return extended
