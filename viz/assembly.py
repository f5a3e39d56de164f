"""From an account of a circuit to the scene of its standard figure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from circuitgrad.viz.account import Account, Branch, Output, Pull, Signal
from circuitgrad.viz.cards import bundle_above, bundle_below, card_item
from circuitgrad.viz.content import Column, Grid, Item, Maths, Picture, Row, Space, line
from circuitgrad.viz.emphasis import emphasised
from circuitgrad.viz.labels import (
    CHAIN_SIZE,
    LEAF_SIZE,
    formula_row,
    gradient_latex,
    local_row,
    name_item,
    pass_role,
    pull_rows,
    shortened,
    sum_row,
    value_row,
)
from circuitgrad.viz.narration import branch_tooltip, node_tooltip, sentences
from circuitgrad.viz.scene import (
    Cluster,
    Detail,
    Direction,
    Edge,
    LegendEntry,
    Node,
    NodeKind,
    Scene,
    WireStyle,
)
from circuitgrad.viz.signs import sign_item
from circuitgrad.viz.symbols import is_gradient
from circuitgrad.viz.values import is_finite, is_picture, is_zero, scalar, value_item

LocalForm = Literal["symbolic", "numeric", "both"]
Emphasis = Literal["none", "gradient"]

_NODE_KINDS: Final[dict[str, NodeKind]] = {"gate": "gate", "card": "card"}
_MOST_LATEX: Final = 400
_MOST_JACOBIAN: Final = 6
_HEADER_SIZE: Final = 16.0


@dataclass(frozen=True, slots=True)
class Style:
    """How much a figure shows, and in what form."""

    detail: Detail = 2
    direction: Direction = "LR"
    title: str | None = None
    legend: bool = True
    pattern: str | None = None
    local: LocalForm = "both"
    emphasis: Emphasis = "none"

    @property
    def shows_factors(self) -> bool:
        """Whether the numbers of the chain rule are shown."""
        return self.detail >= 1 and self.local != "symbolic"

    @property
    def shows_symbols(self) -> bool:
        """Whether the formulas of the local gradients are shown."""
        return self.detail >= 2 and self.local != "numeric"


def assemble(account: Account, style: Style) -> Scene:
    """The scene of the standard figure.

    Args:
        account: What the circuit computed.
        style: How much to show.
    """
    return _Assembly(account, style).scene()


class _Assembly:
    """Builds one scene; signals become nodes of the same position, then come the outputs' ends."""

    def __init__(self, account: Account, style: Style) -> None:
        self._account = account
        self._style = style
        self._readers = Counter(branch.source for branch in account.branches)
        self._outputs = [output for output in account.outputs if output.signal is not None]
        self._readers.update(o.signal for o in self._outputs if o.signal is not None)
        self._scopes = _scopes(account.signals)

    def scene(self) -> Scene:
        account, style = self._account, self._style
        fans_out = any(count > 1 for count in self._readers.values())
        names = ", ".join(shortened(output.name) for output in account.outputs)
        edges = (*self._branch_edges(), *self._output_edges())
        return Scene(
            title=style.title or f"Computational graph of {names}",
            nodes=(*self._signal_nodes(), *self._end_nodes()),
            edges=emphasised(account, edges) if style.emphasis == "gradient" else edges,
            clusters=tuple(
                Cluster(
                    shortened(path.rpartition("/")[2]), self._scopes.get(path.rpartition("/")[0])
                )
                for path in self._scopes
            ),
            header=self._header(),
            footer=(*self._footer(), *self._notes()),
            legend=_legend(account, style) if style.legend else (),
            sentences=sentences(account),
            direction=style.direction,
            ordered=not fans_out,
            roomy=fans_out,
        )

    def _signal_nodes(self) -> list[Node]:
        return [
            Node(
                _NODE_KINDS.get(signal.kind, "leaf"),
                self._content(index, signal),
                node_tooltip(self._account, index),
                self._scopes.get(signal.scope) if signal.kind in _NODE_KINDS else None,
                signal.bundle is not None and signal.bundle.copies > 1,
                signal.badges,
            )
            for index, signal in enumerate(self._account.signals)
        ]

    def _content(self, index: int, signal: Signal) -> Item:
        if signal.kind == "card":
            return card_item(signal)
        return sign_item(signal.glyph) if signal.kind == "gate" else self._leaf(index, signal)

    def _leaf(self, index: int, signal: Signal) -> Item:
        """The name of an input; with its value and summed gradient where several gates read it."""
        if signal.kind in ("constant", "outside"):
            return name_item(signal.name, "dim", LEAF_SIZE - 4)
        name = name_item(signal.name, "ink", LEAF_SIZE)
        if self._readers[index] < 2 or not self._account.ran:
            return name
        value = value_item(signal.value, "fwd", self._style.pattern)
        if isinstance(value, Picture):  # its wires show it already
            return Column((name, *self._sums(index, signal)))
        row = Row((name, line(" = ", "fwd", 12.0), value), middle=isinstance(value, Grid))
        return Column((row, *self._sums(index, signal)))

    def _sums(self, index: int, signal: Signal) -> list[Item]:
        """The sums of a fan-out, one row for each pass that several branches carry."""
        if self._style.detail < 2:
            return []
        pulls: dict[int, list[Pull]] = {}
        for branch in self._account.branches:
            if branch.source == index:
                for pull in branch.pulls:
                    pulls.setdefault(pull.number, []).append(pull)
        return [
            row
            for number in sorted(pulls)
            if len(pulls[number]) > 1
            for row in sum_row(
                self._account.outputs[number].name, signal, pulls[number], self._style.pattern
            )
        ]

    def _end_nodes(self) -> list[Node]:
        """The ends of the outputs' wires: bare for one output, names for several."""
        if len(self._account.outputs) == 1 and not self._is_leaf(self._account.outputs[0]):
            return [Node("end", Space()) for _ in self._outputs]
        if not self._outputs:
            return []
        return [
            Node("leaf", name_item(output.name, "ink", LEAF_SIZE), f"Output {output.name}.")
            for output in self._outputs
        ]

    def _is_leaf(self, output: Output) -> bool:
        return output.signal is not None and self._account.signals[output.signal].kind in (
            "input",
            "constant",
        )

    def _branch_edges(self) -> list[Edge]:
        account = self._account
        told: set[int] = set()
        edges = []
        for branch in account.branches:
            source = account.signals[branch.source]
            sums: list[Item] = []
            if source.kind == "gate" and branch.source not in told:
                told.add(branch.source)
                sums = self._sums(branch.source, source)
            edges.append(
                Edge(
                    branch.source,
                    branch.target,
                    self._branch_above(branch, source),
                    tuple(self._below(branch)),
                    _branch_style(source, branch),
                    branch_tooltip(account, branch),
                    sums=tuple(sums),
                )
            )
        return edges

    def _branch_above(self, branch: Branch, source: Signal) -> tuple[Item, ...]:
        if branch.carried is not None or branch.wires > 1:
            return bundle_above(branch, self._account.ran, self._style.pattern)
        return self._above(source)

    def _above(self, source: Signal) -> tuple[Item, ...]:
        return value_row(source, source.kind == "gate", self._account.ran, self._style.pattern)

    def _below(self, branch: Branch) -> list[Item]:
        account, style = self._account, self._style
        source, target = account.signals[branch.source], account.signals[branch.target]
        if source.kind == "constant":
            return []
        rows: list[Item] = []
        if branch.wires > 1:
            return list(bundle_below(branch, style.pattern)) if account.ran else rows
        if account.ran and (branch.pulls or not account.pulled):
            alone = self._readers[branch.source] == 1
            symbols = [gradient_latex(output.name, source.name) for output in account.outputs]
            rows.extend(
                pull_rows(branch, style.shows_factors, style.pattern, symbols if alone else ())
            )
        if style.shows_symbols and branch.chain:
            rows.extend(formula_row(branch.chain))
        elif style.shows_symbols:
            rows.extend(local_row(target.name, source.name, branch.symbol))
        return rows

    def _output_edges(self) -> list[Edge]:
        account = self._account
        first = len(account.signals)
        return [
            Edge(
                place,
                first + position,
                self._above(output.carried or account.signals[place]),
                self._start(account.outputs.index(output), output),
                _style((output.carried or account.signals[place]).value, ()),
                f"Output {output.name}: its backward pass starts here.",
            )
            for position, output in enumerate(self._outputs)
            if (place := output.signal) is not None
        ]

    def _start(self, position: int, output: Output) -> tuple[Item, ...]:
        """What stands below an output's wire: the gradient that its backward pass starts from."""
        if not self._account.ran:
            return ()
        role = pass_role(position)
        seed = value_item(output.seed, role, self._style.pattern)
        if output.seed is None:
            return (seed, line("backward() not run", "dim", CHAIN_SIZE))
        if self._style.detail == 0 or len(self._account.outputs) > 1:
            return (seed,)
        name = shortened(output.name, 12)
        ratio = f"start: ∂{name}/∂{name}" if name.isidentifier() else "start"
        return (seed, line(ratio, "dim", CHAIN_SIZE))

    def _header(self) -> tuple[Item, ...]:
        title = self._style.title
        items: list[Item] = [line(shortened(title, 90), "ink", 14.0, "bold")] if title else []
        if 0 < len(self._account.formula) <= _MOST_LATEX:
            items.append(Maths(self._account.formula, "ink", _HEADER_SIZE, display=True))
        return tuple(items)

    def _notes(self) -> tuple[Item, ...]:
        """What the figure leaves out."""
        return tuple(line(note, "dim", 10.5) for note in self._account.notes)

    def _footer(self) -> tuple[Item, ...]:
        """The Jacobian of several scalar outputs, each row in the colour of its pass."""
        account = self._account
        inputs = [signal for signal in account.signals if signal.kind == "input"]
        most = max(len(account.outputs), len(inputs))
        if len(account.outputs) < 2 or not account.pulled or most > _MOST_JACOBIAN or not inputs:
            return ()
        rows = [
            [scalar(signal.gradients[number]) for signal in inputs]
            for number in range(len(account.outputs))
        ]
        if any(number is None for row in rows for number in row):
            return ()
        cells = tuple(
            tuple(value_item(number, pass_role(k), self._style.pattern) for number in row)
            for k, row in enumerate(rows)
        )
        notes = tuple(
            line(f"row {k + 1}: backward pass from {shortened(output.name)}", "dim", 10.0)
            for k, output in enumerate(account.outputs)
        )
        symbolic = account.jacobian if 0 < len(account.jacobian) <= _MOST_LATEX else ""
        second = is_gradient(
            [output.name for output in account.outputs], [signal.name for signal in inputs]
        )
        name = "H" if second else "J"
        latex = f"{name}={symbolic}=" if symbolic else f"{name}="
        start = Maths(latex, "ink", _HEADER_SIZE, display=True)
        legend = Column(notes, gap=7.0, align="left")
        return (Row((start, Grid(cells, column_gap=22.0), legend), gap=10.0, middle=True),)


def _branch_style(source: Signal, branch: Branch) -> WireStyle:
    """The style of a branch: warning, dashed where nothing comes back, or plain."""
    return _style(source.value, [pull.downstream for pull in branch.pulls])


def _style(value: object, gradients: Sequence[object]) -> WireStyle:
    """The style of a wire that carries a value and gradients."""
    if not all(is_finite(number) for number in (value, *gradients)):  # type: ignore[arg-type]
        return "alert"
    if gradients and all(is_zero(number) for number in gradients):  # type: ignore[arg-type]
        return "zero"
    return "plain"


def _scopes(signals: Sequence[Signal]) -> dict[str, int]:
    """Position of every scope, outer scopes before inner ones, in the order of appearance."""
    found: dict[str, int] = {}
    for signal in signals:
        if signal.kind not in _NODE_KINDS or not signal.scope:
            continue
        steps = signal.scope.split("/")
        for depth in range(1, len(steps) + 1):
            found.setdefault("/".join(steps[:depth]), len(found))
    return found


def _legend(account: Account, style: Style) -> tuple[LegendEntry, ...]:
    """The meaning of the colours that the figure uses."""
    entries: list[LegendEntry] = []
    if account.ran:
        entries.append(LegendEntry("fwd", "forward value"))
    if account.ran and account.pulled:
        entries.extend(_gradient_entries(account.outputs, style.emphasis == "gradient"))
        entries.extend(_bar_entries(account))
    texts = []
    if any(branch.symbol and not branch.chain for branch in account.branches):
        texts.append("local gradient of the gate")
    if any(branch.chain for branch in account.branches):
        texts.append("chain rule, δ: the gradient that arrives at the gate")
    if style.shows_symbols and texts:
        entries.append(LegendEntry("loc", "; ".join(texts)))
    if any(is_picture(signal.value) for signal in account.signals):
        entries.append(LegendEntry("dim", "heatmap: blue < 0 < orange, scaled per tensor"))
    return tuple(entries)


def _bar_entries(account: Account) -> list[LegendEntry]:
    """The meaning of the bars of cards."""
    for signal in account.signals:
        if signal.bundle is not None and len(signal.bundle.norms) > 1:
            number = signal.bundle.number
            name = shortened(account.outputs[number].name, 12)
            text = f"bars: gradient norm of {name} behind each copy, log scale"
            return [LegendEntry(pass_role(number), text)]
    return []


def _gradient_entries(outputs: Sequence[Output], emphasised: bool) -> list[LegendEntry]:
    """The colours of the backward passes."""
    if len(outputs) == 1:
        name = shortened(outputs[0].name, 12)
        gradient = f"∂{name}/∂·" if name.isidentifier() else f"of {name}"
        text = f"gradient {gradient} (downstream = upstream × local)"
        if emphasised:
            text = f"gradient {gradient}; colour and width of a wire: its size, on a log scale"
        return [LegendEntry("grad", text)]
    shown = [k for k, output in enumerate(outputs) if output.seed is not None][:_MOST_JACOBIAN]
    return [
        LegendEntry(pass_role(k), f"gradient of {shortened(outputs[k].name, 12)} (pass {k + 1})")
        for k in shown
    ]
