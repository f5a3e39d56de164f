"""Parts of a circuit that a figure is limited to: a scope, what is near, the ways between two."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.grammar import nearest
from circuitgrad.viz.scopes import Expansion
from circuitgrad.wire import Wire, topological


@dataclass(frozen=True, slots=True)
class Portion:
    """Which part of a circuit a figure shows, and how much of it in single gates.

    Attributes:
        max_nodes: How many boxes are shown at most, 400 at most; by default 120 for a circuit with
            scopes, else 400.
        expand: The scopes to open: True or False for all or none, a depth, or their paths. By
            default, scopes are opened level by level as long as they are small and there is room.
        fold: Whether equal blocks in a row share a card, which shows the gradient norm of each.
        fuse: Whether chains of gates with one operand become one gate.
        composites: Which composite gates are shown as the gates that they stand for: True for all,
            or their names.
        scope: Only this scope, such as ``"net/block3"``.
        around: Only what is near this wire: at most ``hops`` gates away.
        hops: How far ``around`` goes.
        path: Only the ways from one wire to another.
    """

    max_nodes: int | None = None
    expand: Expansion = None
    fold: bool = True
    fuse: bool = False
    composites: bool | str | Collection[str] = False
    scope: str | None = None
    around: str | Wire | None = None
    hops: int = 2
    path: tuple[str | Wire, str | Wire] | None = None

    @classmethod
    def taken_from(
        cls, given: Mapping[str, Any], circuit: Circuit
    ) -> tuple["Portion", dict[str, Any]]:
        """The portion among keyword arguments, checked, and the arguments that are left.

        Args:
            given: Options of a portion by name; a name that is an input of the circuit is left.
            circuit: The circuit to draw.

        Raises:
            SpecError: As in ``checked``.
        """
        known = {field.name for field in fields(cls)} - set(circuit.input_names)
        options = {name: value for name, value in given.items() if name in known}
        rest = {name: value for name, value in given.items() if name not in known}
        return cls(**options).checked(circuit), rest

    def checked(self, circuit: Circuit) -> "Portion":
        """The same portion, if it fits the circuit.

        Args:
            circuit: The circuit to draw.

        Raises:
            SpecError: A number that is not positive, a scope that is not there, two parts at once.
        """
        _check_count("max_nodes", self.max_nodes, 2)
        _check_count("hops", self.hops, 0)
        given = [k for k in ("scope", "around", "path") if getattr(self, k) is not None]
        if len(given) > 1:
            raise SpecError(
                f"draw: got {' and '.join(given)}; needed one part of the circuit. Leave one out."
            )
        if self.path is not None and (
            not isinstance(self.path, tuple | list) or len(self.path) != len(("from", "to"))
        ):
            raise SpecError(
                f"draw: path is {self.path!r}; needed two names. Use path=('x', 'loss')."
            )
        names = (self.expand,) if isinstance(self.expand, str) else self.expand
        wanted = [] if names is None or isinstance(names, int) else [*names]
        wanted += [] if self.scope is None else [self.scope]
        if wanted:
            _check_scopes(wanted, scope_paths(circuit.wires))
        return self


def _check_count(name: str, number: object, least: int) -> None:
    """Refuses what is no whole number, or too small a one."""
    if number is None and name == "max_nodes":
        return
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise SpecError(
            f"draw: {name} is {number!r}; needed a whole number of at least {least}. "
            f"Use {name}={max(least, 2)}."
        )


def scope_paths(wires: Iterable[Wire]) -> list[str]:
    """All scopes of some wires, and those around them, in the order of appearance.

    Args:
        wires: In topological order.
    """
    found: dict[str, None] = {}
    for path in dict.fromkeys(wire.scope for wire in wires):
        steps = path.split("/") if path else []
        for depth in range(len(steps)):
            found.setdefault("/".join(steps[: depth + 1]))
    return list(found)


def _check_scopes(wanted: Iterable[object], known: Collection[str]) -> None:
    """Refuses scopes that are not there."""
    for name in wanted:
        if name not in known:
            some = f" The scopes are {', '.join(list(known)[:6])}." if known else ""
            raise SpecError(
                f"draw: no gate is in scope {name!r}; needed the path of a scope."
                f"{nearest(str(name), known)}{some}"
            )


def selected(circuit: Circuit, names: Mapping[Wire, str], portion: Portion) -> set[int] | None:
    """Serial numbers of the wires in the part; None for the whole circuit.

    Args:
        circuit: What is drawn.
        names: The names of the wires in the figure.
        portion: The part.

    Raises:
        SpecError: A wire that is not there, or two that no path joins.
    """
    if portion.scope is not None:
        inside = f"{portion.scope}/"
        return {w.serial for w in circuit.wires if f"{w.scope}/".startswith(inside)}
    if portion.around is not None:
        return _neighbours(circuit, _found(circuit, names, portion.around), portion.hops)
    if portion.path is not None:
        return _between(circuit, names, portion.path)
    return None


def _found(circuit: Circuit, names: Mapping[Wire, str], wanted: str | Wire) -> Wire:
    """The wire of a name."""
    if isinstance(wanted, Wire):
        if any(wire is wanted for wire in circuit.wires):
            return wanted
        raise SpecError("draw: the wire given is not in this circuit. Give one of its wires.")
    outputs = dict(zip(circuit.output_names, circuit.outputs, strict=True))
    if wanted in outputs:
        return outputs[wanted]
    for wire, name in names.items():
        if name == wanted:
            return wire
    known = [*outputs, *names.values()]
    raise SpecError(f"draw: no wire is named {wanted!r}.{nearest(str(wanted), known)}")


def _neighbours(circuit: Circuit, centre: Wire, hops: int) -> set[int]:
    """The wires at most so many gates away, in both directions."""
    readers: dict[int, list[Wire]] = {}
    for wire in circuit.wires:
        for source in wire.inputs:
            readers.setdefault(source.serial, []).append(wire)
    seen, level = {centre.serial}, [centre]
    for _ in range(hops):
        near = [n for wire in level for n in (*wire.inputs, *readers.get(wire.serial, ()))]
        level = [wire for wire in {n.serial: n for n in near}.values() if wire.serial not in seen]
        seen.update(wire.serial for wire in level)
    return seen


def _between(
    circuit: Circuit, names: Mapping[Wire, str], ends: tuple[str | Wire, str | Wire]
) -> set[int]:
    """The wires on the ways from one to another."""
    start, end = (_found(circuit, names, name) for name in ends)
    after = {start.serial}
    for wire in circuit.wires:
        if any(source.serial in after for source in wire.inputs):
            after.add(wire.serial)
    if end.serial not in after:
        raise SpecError(
            f"draw: no path leads from {names.get(start)!r} to {names.get(end)!r}; needed two "
            "wires of which the second depends on the first."
        )
    return after & {wire.serial for wire in topological([end])}
