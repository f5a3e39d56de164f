"""Style rules that play a film: what appears, lights up and travels at which step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from circuitgrad.viz.captions import Step
from circuitgrad.viz.film_sheet import FilmSheet
from circuitgrad.viz.scene import Edge

TRAVEL: Final = 0.6  # the part of a step in which the dot travels
HOLD: Final = 2.5  # seconds for which the finished figure stays
_STRONG: Final = 3.4


@dataclass(frozen=True, slots=True)
class Times:
    """When the steps begin, in percent of the whole."""

    count: int
    seconds: float

    @property
    def total(self) -> float:
        return self.count * self.seconds + HOLD

    def at(self, place: float) -> str:
        """The moment at which a step begins; fractions lie within steps."""
        return f"{min(100.0, place * self.seconds / self.total * 100):.3f}%"


def moving_rules(sheet: FilmSheet, times: Times) -> Iterator[str]:
    """Rules that make labels appear, wires light up, dots travel and captions change.

    Args:
        sheet: The picture.
        times: When its steps begin.
    """
    steps, p = sheet.film.steps, sheet.prefix
    run = f"{times.total:.2f}s step-end infinite"
    for place, step in enumerate(steps):
        now, then = times.at(place), times.at(place + 1) if place < len(steps) - 1 else "100%"
        if step.shows and place:
            selectors = ",".join(sheet.label(key) for key in step.shows)
            yield f"@keyframes {p}-k{place}{{0%{{visibility:hidden}}{now}{{visibility:visible}}}}"
            yield f"{selectors}{{animation:{p}-k{place} {run}}}"
        yield (
            f"@keyframes {p}-c{place}{{0%{{visibility:{_seen(place == 0)}}}"
            f"{now}{{visibility:visible}}{then}{{visibility:{_seen(then == '100%')}}}}}"
            f".{p}-c{place}{{animation:{p}-c{place} {run}}}"
        )
        yield from _travelling(sheet, times, place, step)
    for index, edge in enumerate(sheet.film.composition.scene.edges):
        at = [place for place, step in enumerate(steps) if index in step.wires]
        yield from _lit_wire(sheet, times, index, edge, at)
    for index, node in enumerate(sheet.film.composition.scene.nodes):
        at = [place for place, step in enumerate(steps) if step.node == index]
        if node.kind == "gate" and at:
            frames = _intervals(
                sheet, times, at, ("stroke", sheet.colour("gate_edge")), ("stroke-width", 1.4)
            )
            yield f"@keyframes {p}-n{index}{{{frames}}}"
            yield f"{sheet.gate(index)}{{animation:{p}-n{index} {run}}}"


def _seen(visible: bool) -> str:
    return "visible" if visible else "hidden"


def _travelling(sheet: FilmSheet, times: Times, place: int, step: Step) -> Iterator[str]:
    """Rules for the dots of one step."""
    p = sheet.prefix
    start, end = ("0%", "100%") if step.phase == "forward" else ("100%", "0%")
    arrive = times.at(place + TRAVEL)
    yield (
        f"@keyframes {p}-d{place}{{0%{{visibility:hidden;animation-timing-function:step-end}}"
        f"{times.at(place)}{{visibility:visible;offset-distance:{start};"
        f"animation-timing-function:ease-in-out}}"
        f"{arrive}{{visibility:hidden;offset-distance:{end}}}"
        f"100%{{visibility:hidden;offset-distance:{end}}}}}"
        f".{p}-d{place}{{fill:{sheet.active(step)};"
        f"animation:{p}-d{place} {times.total:.2f}s infinite}}"
    )


def _lit_wire(
    sheet: FilmSheet, times: Times, index: int, edge: Edge, at: list[int]
) -> Iterator[str]:
    """Rules for the line and the head of one wire."""
    if not at:
        return
    p, run = sheet.prefix, f"{times.total:.2f}s step-end infinite"
    calm = sheet.colour("alert" if edge.style == "alert" else "wire")
    width = 3.0 if edge.style == "alert" else 1.8
    line, head = sheet.wire(index)
    strokes = _intervals(sheet, times, at, ("stroke", calm), ("stroke-width", width))
    fills = _intervals(sheet, times, at, ("fill", calm), None)
    yield f"@keyframes {p}-l{index}{{{strokes}}}{line}{{animation:{p}-l{index} {run}}}"
    yield f"@keyframes {p}-h{index}{{{fills}}}{head}{{animation:{p}-h{index} {run}}}"


def _intervals(
    sheet: FilmSheet,
    times: Times,
    at: list[int],
    calm: tuple[str, str],
    width: tuple[str, float] | None,
) -> str:
    """Keyframes that are calm but for the steps at which a part is at work."""
    steps = sheet.film.steps
    wide = "" if width is None else f";{width[0]}:{_STRONG}"
    thin = "" if width is None else f";{width[0]}:{width[1]}"
    frames: dict[str, str] = {"0%": f"{calm[0]}:{calm[1]}{thin}"}
    for place in at:
        frames[times.at(place)] = f"{calm[0]}:{sheet.active(steps[place])}{wide}"
        frames.setdefault(times.at(place + 1), f"{calm[0]}:{calm[1]}{thin}")
    return "".join(f"{moment}{{{rule}}}" for moment, rule in frames.items())


def still_rules(sheet: FilmSheet, place: int) -> Iterator[str]:
    """Rules that show one step: no labels of later steps, and its gate and wires at work.

    Args:
        sheet: The picture.
        place: The position of the step.
    """
    steps = sheet.film.steps
    step = steps[place]
    later = [sheet.label(key) for other in steps[place + 1 :] for key in other.shows]
    if later:
        yield f"{','.join(later)}{{visibility:hidden}}"
    colour = sheet.active(step)
    for wire in step.wires:
        line, head = sheet.wire(wire)
        yield f"{line}{{stroke:{colour};stroke-width:{_STRONG}}}{head}{{fill:{colour}}}"
    if step.node is not None:
        yield f"{sheet.gate(step.node)}{{stroke:{colour};stroke-width:{_STRONG}}}"
