"""Figures of circuits: a circuit and the numbers of its run, read into a scene."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.paths import dependents
from circuitgrad.plans.run import EdgeRecord, Run
from circuitgrad.proofs.report import Report
from circuitgrad.sources import Input
from circuitgrad.viz.account import Account, Branch, Output, Pull, Signal, Value
from circuitgrad.viz.assembly import Emphasis, LocalForm, Style, assemble
from circuitgrad.viz.composites import with_parts
from circuitgrad.viz.engine import SECONDS
from circuitgrad.viz.figure import Figure
from circuitgrad.viz.folding import Source, folded_account
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.naming import wire_names
from circuitgrad.viz.numbers import check_pattern, short_number
from circuitgrad.viz.parts import View, view_of
from circuitgrad.viz.remarks import Remarks
from circuitgrad.viz.scene import Detail, Direction
from circuitgrad.viz.signs import folded_sign
from circuitgrad.viz.slices import Portion
from circuitgrad.viz.symbols import (
    chain_latex,
    circuit_formula,
    jacobian_latex,
    local_gradient_latex,
)
from circuitgrad.viz.themes import ThemeName
from circuitgrad.viz.written import written_latex
from circuitgrad.wire import Wire, topological

_FULL_DETAIL: Final = 60
_SOME_DETAIL: Final = 150

Passes = Mapping[str, Mapping[tuple[int, int], EdgeRecord]]


def draw(
    circuit: Circuit, run: Run | None = None, *,
    detail: Detail | None = None,
    theme: ThemeName = "auto",
    direction: Direction = "LR",
    local: LocalForm = "both",
    emphasis: Emphasis = "none",
    title: str | None = None,
    legend: bool = True,
    number_format: str | None = None,
    engine: str | None = None,
    maths: MathsEngine = "auto",
    seconds: float = SECONDS,
    report: Report | None = None,
    **values: Any,
) -> Figure:  # fmt: skip
    """The standard figure of a circuit: values above the wires, gradients below them.

    Without numbers it shows local gradients. A large circuit has cards for its scopes.

    Args:
        circuit: What to draw.
        run: Its numbers; without gradients where its backward pass has not been run.
        detail: 0 for values and gradients, 1 also factors, 2 also local gradients; by size if None.
        theme: ``"auto"`` (the reader's own), ``"light"`` or ``"dark"``.
        direction: ``"LR"`` from left to right, ``"TB"`` from top to bottom.
        local: Local gradients as ``"symbolic"``, ``"numeric"`` or ``"both"``.
        emphasis: ``"gradient"`` colours and widens the wires by the sizes of their gradients.
        title: A line above the figure.
        legend: Whether the colours are explained.
        number_format: A format of Python for numbers, such as ``".3g"``.
        engine: A Graphviz program's name or path; by default one is looked for.
        maths: ``"auto"``, ``"mathra"``, ``"ziamath"`` or ``"text"``.
        seconds: Time limit of the layout.
        report: What ``verify`` proved of the gates, each of which then has a mark.
        **values: Inputs by name, to run the circuit forward and backward; also the options of
            ``slices.Portion``: ``max_nodes``, ``expand``, ``scope``, ``around``, …

    Raises:
        RenderError: No layout engine, when the figure is first shown or saved.
        SpecError: An option or an input that is not known.
    """
    _check_options(detail, direction, local, emphasis, number_format)
    portion, values = Portion.taken_from(values, circuit)
    run = _chosen_run(circuit, run, values)
    reading = _Reading(*with_parts(circuit, run, portion.composites), portion, report)
    chosen = reading.detail if detail is None else detail
    style = Style(chosen, direction, title, legend, number_format, local, emphasis)
    account = reading.account(symbols=style.shows_symbols)
    return Figure(assemble(account, style), theme, engine, maths, seconds, (account, style))


def _check_options(
    detail: int | None, direction: str, local: str, emphasis: str, pattern: str | None
) -> None:
    """Refuses options that are not known."""
    for name, given, known in (
        ("detail", detail, (None, *get_args(Detail))),
        ("direction", direction, get_args(Direction)),
        ("local", local, get_args(LocalForm)),
        ("emphasis", emphasis, get_args(Emphasis)),
    ):
        if given not in known:
            raise SpecError(
                f"draw: {name} is {given!r}; needed one of {', '.join(map(str, known))}."
            )
    check_pattern(pattern)


def _chosen_run(circuit: Circuit, run: Run | None, values: Mapping[str, Any]) -> Run | None:
    """The run that was given, or one with a backward pass from every scalar output."""
    if values and run is not None:
        raise SpecError("draw: got a run and values; needed one of them. Leave out the values.")
    if not values and (run is not None or circuit.inputs):
        return run
    run = circuit.run(**values)
    for name, wire in zip(circuit.output_names, circuit.outputs, strict=True):
        if not wire.shape:
            run.backward(name)
    return run


class _Reading:
    """Reads one circuit and one run; constants are folded into the gates that use them."""

    def __init__(
        self, circuit: Circuit, run: Run | None, portion: Portion, report: Report | None = None
    ) -> None:
        self._circuit = circuit
        self._run = run
        self._names = wire_names(circuit)
        self._live = dependents(circuit.wires, circuit.inputs)
        self._passes = self._read_passes()
        self._loose = self._loose_constants()
        self._ways = {
            name: {inner.serial for inner in topological([output])}
            for name, output in zip(circuit.output_names, circuit.outputs, strict=True)
            if name in self._passes
        }
        shown = [*circuit.inputs, *(wire for wire in circuit.wires if self._is_shown(wire))]
        self._position = {wire: index for index, wire in enumerate(shown)}
        self._remarks = Remarks(circuit, run, self._names, self._passes, report)
        self._readers = Counter(s.serial for wire in shown for s in wire.inputs)
        self._view: View | None = view_of(circuit, shown, self._live, self._names, portion)

    @property
    def detail(self) -> Detail:
        """How much fits the number of boxes."""
        count = len(self._position if self._view is None else self._view.parts)
        return 2 if count <= _FULL_DETAIL else 1 if count <= _SOME_DETAIL else 0

    def account(self, symbols: bool) -> Account:
        """The account of all wires, or of the boxes of a view."""
        if self._view is None:
            return self._whole(list(self._position), symbols)
        source = Source(
            self._signal,
            self._gradient,
            self._pulls,
            lambda wire, position: self._symbol(wire, position) if symbols else "",
            tuple(k for k, name in enumerate(self._circuit.output_names) if name in self._passes),
            self._remarks.first,
        )
        return folded_account(self._circuit, self._view, source, self._whole([], symbols))

    def _whole(self, wires: Sequence[Wire], symbols: bool) -> Account:
        circuit = self._circuit
        return Account(
            signals=tuple(self._signal(wire) for wire in wires),
            branches=tuple(
                self._branch(wire, position, symbols)
                for wire in wires
                if wire.serial in self._live
                for position, source in enumerate(wire.inputs)
                if source in self._position
            ),
            outputs=tuple(
                Output(name, self._position[wire], self._gradient(wire, name))
                for name, wire in zip(circuit.output_names, circuit.outputs, strict=True)
            ),
            formula=circuit_formula(circuit),
            jacobian=jacobian_latex(circuit) if len(circuit.outputs) > 1 else "",
            ran=self._run is not None,
            pulled=bool(self._passes),
            notes=self._remarks.notes(self._position if self._view is None else self._view.single),
        )

    def _read_passes(self) -> Passes:
        """The branches of every backward pass that was run, by output name."""
        passes: dict[str, dict[tuple[int, int], EdgeRecord]] = {}
        for name in self._circuit.output_names:
            try:
                edges = self._run.edges(name) if self._run is not None else None
            except SpecError:  # this pass was not run
                edges = None
            if edges is not None:
                passes[name] = {(edge.gate_wire.serial, edge.position): edge for edge in edges}
        return passes

    def _loose_constants(self) -> set[int]:
        """The wires without inputs below them that outputs or gates need as leaves of their own."""
        loose = {wire.serial for wire in self._circuit.outputs}
        for wire in self._circuit.wires:
            if wire.serial in self._live and not self._folds(wire):
                loose.update(source.serial for source in wire.inputs)
        return loose

    def _is_shown(self, wire: Wire) -> bool:
        """Whether a wire is drawn: what depends on inputs, and constants that are not folded."""
        if isinstance(wire.gate, Input):
            return False  # shown already, in the order of the circuit
        return wire.serial in self._live or wire.serial in self._loose

    def _folds(self, wire: Wire) -> bool:
        """Whether a gate shows its constant operands in its sign."""
        return isinstance(wire.gate, Elementwise) and all(
            source.serial in self._live or self._constant(source) is not None
            for source in wire.inputs
        )

    def _constant(self, wire: Wire) -> float | None:
        """The number that fills a wire without inputs below it; None for anything else."""
        if wire.serial in self._live or wire.known is None or not wire.known.size:
            return None
        first = wire.known.flat[0]
        return float(first) if np.all(wire.known == first) else None

    def _signal(self, wire: Wire) -> Signal:
        folds = self._folds(wire)
        constants = tuple(self._constant(source) if folds else None for source in wire.inputs)
        is_input = isinstance(wire.gate, Input)
        kind = "input" if is_input else "gate" if wire.serial in self._live else "constant"
        return Signal(
            name=self._name(wire),
            kind=kind,  # type: ignore[arg-type]
            glyph=folded_sign(wire.gate.name, wire.gate.glyph, constants),
            gate=wire.gate.name,
            words=f"{wire.gate.name}({', '.join(map(self._name, wire.inputs))})",
            value=None if self._run is None else self._run[wire].value,
            gradients=tuple(self._gradient(wire, name) for name in self._circuit.output_names),
            shape=wire.shape,
            scope=wire.scope,
            equation=self._equation(wire),
            remarks=self._remarks.sentences(wire, self._moving(wire), self._readers[wire.serial]),
            badges=self._remarks.badges(wire),
        )

    def _equation(self, wire: Wire) -> str:
        """LaTeX of what a gate computes, with a mark for each operand that is shown."""
        shown = [source.serial for source in wire.inputs if source in self._position]
        if not shown or wire.serial not in self._live:
            return ""
        return written_latex(wire, {serial: f"@{shown.index(serial)}@" for serial in shown})

    def _moving(self, wire: Wire) -> tuple[int, ...]:
        """The positions of the operands that depend on inputs."""
        return tuple(k for k, s in enumerate(wire.inputs) if s.serial in self._live)

    def _name(self, wire: Wire) -> str:
        if wire in self._names:
            return self._names[wire]
        number = self._constant(wire)
        return "constant" if number is None else short_number(number)

    def _gradient(self, wire: Wire, output: str) -> Value:
        if self._run is None or output not in self._passes:
            return None
        found = self._run.gradient(wire, output)
        if found is None and isinstance(wire.gate, Input) and not wire.shape:
            return 0.0  # the output does not depend on this input
        return found

    def _branch(self, wire: Wire, position: int, symbols: bool) -> Branch:
        ends = self._position[wire.inputs[position]], self._position[wire]
        symbol = self._symbol(wire, position) if symbols else ""
        chain = chain_latex(wire, position, self._names) if symbols else ""
        return Branch(*ends, symbol, self._pulls(wire, position), chain)

    def _symbol(self, wire: Wire, position: int) -> str:
        return local_gradient_latex(wire, position, self._names)

    def _pulls(self, wire: Wire, position: int) -> tuple[Pull, ...]:
        pulls = []
        for number, name in enumerate(self._circuit.output_names):
            edge = self._passes.get(name, {}).get((wire.serial, position))
            if edge is not None:
                pulls.append(Pull(number, edge.downstream, edge.upstream, edge.local))
            elif wire.serial in self._ways.get(name, ()):
                pulls.append(Pull(number, 0.0))  # an exact zero, which no pass carries on
        return tuple(pulls)
