"""One picture and one list of steps for each backward pass: what players and animations show."""

import dataclasses
from dataclasses import dataclass
from typing import Final

from circuitgrad.errors import RenderError
from circuitgrad.viz.account import Account
from circuitgrad.viz.assembly import Style, assemble
from circuitgrad.viz.captions import Captions, Step, steps
from circuitgrad.viz.composition import Composition, compose
from circuitgrad.viz.labels import pass_role
from circuitgrad.viz.layout import Layout, Point, Route
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.scene import Scene
from circuitgrad.viz.svg import render
from circuitgrad.viz.themes import Role, ThemeName

# What can be played: gates and leaves, and no cards that stand for many gates.
_PLAYED: Final = ("input", "constant", "gate", "outside")


@dataclass(frozen=True, slots=True)
class Material:
    """What a figure was made from, with the places that its layout gave to the parts."""

    account: Account
    style: Style
    scene: Scene
    layout: Layout
    composition: Composition
    engine: MathsEngine


@dataclass(frozen=True, slots=True)
class PassFilm:
    """The steps of a forward pass and the backward pass of one output, and the picture they fill.

    ``number`` is the position of the output; None for a circuit without a backward pass.
    """

    number: int | None
    role: Role
    captions: Captions
    steps: tuple[Step, ...]
    composition: Composition
    layout: Layout
    engine: MathsEngine

    @property
    def output(self) -> str:
        """The name of the output; empty where there is no backward pass."""
        return "" if self.number is None else self.captions.account.outputs[self.number].name

    def svg(self, theme: ThemeName) -> str:
        """The picture with all labels."""
        return render(self.composition, self.layout, theme, self.engine)


def films(material: Material) -> tuple[PassFilm, ...]:
    """One film for each backward pass that was run; one without it where none was run.

    Args:
        material: A figure of a run.

    Raises:
        RenderError: The circuit was not run, or the figure does not show its gates one by one.
    """
    account = material.account
    if not account.ran:
        raise RenderError(
            "player: the figure has no numbers; needed a forward pass to be played. "
            "Draw with values, such as circuit.draw(x=1.0).player()"
        )
    nodes, edges = len(account.signals), len(account.branches) + len(account.outputs)
    known = all(signal.kind in _PLAYED for signal in account.signals)
    if not known or len(material.scene.nodes) < nodes or len(material.scene.edges) != edges:
        raise RenderError(
            "player: the figure folds or leaves out gates; needed one that shows each of them. "
            "Draw the part to be played by itself"
        )
    numbers: list[int | None] = [
        k for k, output in enumerate(account.outputs) if output.seed is not None
    ]
    return tuple(_film(material, number) for number in numbers or [None])


def _film(material: Material, number: int | None) -> PassFilm:
    """The film of one pass."""
    account = material.account
    composition, layout = material.composition, material.layout
    if number is not None and len(account.outputs) > 1:
        scene = _scene(_narrowed(account, number), material.style, number)
        composition = compose(scene, material.engine)
        layout = _centred(layout, material.composition, composition)
    captions = Captions(account, number, material.style.pattern)
    return PassFilm(
        number,
        pass_role(number or 0),
        captions,
        steps(account, number, material.style.pattern),
        composition,
        layout,
        material.engine,
    )


def _narrowed(account: Account, number: int) -> Account:
    """The account with the numbers of one backward pass only."""
    branches = tuple(
        dataclasses.replace(
            branch, pulls=tuple(pull for pull in branch.pulls if pull.number == number)
        )
        for branch in account.branches
    )
    outputs = tuple(
        output if position == number else dataclasses.replace(output, seed=None)
        for position, output in enumerate(account.outputs)
    )
    return dataclasses.replace(account, branches=branches, outputs=outputs)


def _scene(account: Account, style: Style, number: int) -> Scene:
    """The scene of one pass: nothing below the wires of the other outputs, and no Jacobian."""
    scene = assemble(account, style)
    first = len(account.branches)
    edges = tuple(
        dataclasses.replace(edge, below=()) if index >= first and index - first != number else edge
        for index, edge in enumerate(scene.edges)
    )
    return dataclasses.replace(scene, edges=edges, footer=())


def _centred(layout: Layout, whole: Composition, part: Composition) -> Layout:
    """The layout of the whole figure, with the narrower labels of one pass in the middle."""
    if whole.scene.direction == "TB":
        return layout
    routes = tuple(
        Route(
            route.arriving,
            route.leaving,
            Point(route.label.x + (full.width - narrow.width) / 2, route.label.y),
        )
        for route, full, narrow in zip(layout.routes, whole.labels, part.labels, strict=True)
    )
    return dataclasses.replace(layout, routes=routes)
