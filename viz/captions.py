"""The steps of a forward and a backward pass, each with the chain rule in words and maths."""

import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from circuitgrad.formulas.latex import name_latex
from circuitgrad.viz.account import Account, Branch, Pull, Value
from circuitgrad.viz.labels import shortened
from circuitgrad.viz.numbers import MINUS, factor, format_number
from circuitgrad.viz.values import scalar, shape_text

TokenKind = Literal["words", "maths", "value", "gradient", "local"]
Phase = Literal["forward", "backward"]

_MOST_NAMED: Final = 12
_MOST_TERMS: Final = 8
# A learner may work with the rounded numbers of the figure.
_TOLERANCE: Final = 0.025
_SLOT: Final = re.compile(r"@(\d+)@")
_NEIGHBOURS: Final = re.compile(r"(@\d+@)\s*(?=@\d+@)")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a caption: words, a formula in LaTeX, or a number in the colour of its kind."""

    kind: TokenKind
    text: str


Line = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A number that a learner is asked for, and how far off an answer may be."""

    asked: Line
    answer: float
    text: str
    tolerance: float


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a pass: the node and the wires at work, and the labels that appear.

    ``shows`` holds keys of labels: ``a3`` is the value above wire 3, ``b3`` the gradient below it,
    ``s3`` a sum on wire 3, ``v2`` the value in node 2 and ``t2`` the sum in node 2.
    """

    phase: Phase
    node: int | None
    wires: tuple[int, ...]
    shows: tuple[str, ...]
    words: str
    lines: tuple[Line, ...]
    questions: tuple[Question, ...] = ()


def steps(account: Account, number: int | None, pattern: str | None = None) -> tuple[Step, ...]:
    """The forward pass, and the backward pass of one output.

    Args:
        account: What the circuit computed.
        number: The position of the output; None for a circuit without a backward pass.
        pattern: As in ``numbers.format_number``.
    """
    captions = Captions(account, number, pattern)
    return (*captions.forward(), *captions.backward())


class Captions:
    """Writes the steps of one output."""

    def __init__(self, account: Account, number: int | None, pattern: str | None) -> None:
        self.account = account
        self.number = number
        self._pattern = pattern
        self._into: dict[int, list[int]] = {}
        self._out_of: dict[int, list[int]] = {}
        for wire, branch in enumerate(account.branches):
            self._into.setdefault(branch.target, []).append(wire)
            self._out_of.setdefault(branch.source, []).append(wire)
        for position, output in enumerate(account.outputs):
            self._out_of.setdefault(output.place, []).append(len(account.branches) + position)
        pulled = [branch.source for branch in account.branches if self.pull(branch) is not None]
        self._terms = Counter(pulled)

    def pull(self, branch: Branch) -> Pull | None:
        """What the pass sends along a branch, or None."""
        return next((pull for pull in branch.pulls if pull.number == self.number), None)

    def forward(self) -> Iterator[Step]:
        """The inputs, then the gates in topological order."""
        signals = self.account.signals
        leaves = [index for index, signal in enumerate(signals) if signal.kind != "gate"]
        yield Step(
            "forward",
            None,
            self._wires_of(leaves),
            self._values_of(leaves),
            "Set the inputs.",
            (self._input_line(),),
        )
        for index, signal in enumerate(signals):
            if signal.kind == "gate":
                yield Step(
                    "forward",
                    index,
                    self._wires_of([index]),
                    self._values_of([index]),
                    f"The gate {signal.gate} computes {shortened(signal.name)}.",
                    (self.value_line(index),),
                    self._asked((_name(signal.name),), signal.value),
                )

    def backward(self) -> Iterator[Step]:
        """The start at the output, then the gates in reverse order."""
        if self.number is None:
            return
        yield self._start(self.number)
        last = {branch.source: branch.target for branch in reversed(self.account.branches)
                if self.pull(branch) is not None}  # fmt: skip
        for index in reversed(range(len(self.account.signals))):
            wires = [w for w in self._into.get(index, ()) if self._is_pulled(w)]
            if not wires:
                continue
            if self._terms[index] > 1:
                yield self._sum(index)
            yield self._gate(index, wires)
            for source in dict.fromkeys(self.account.branches[wire].source for wire in wires):
                leaf = self.account.signals[source].kind == "input"
                if leaf and last[source] == index and self._terms[source] > 1:
                    yield self._sum(source)

    def value_line(self, index: int) -> Line:
        """The equation of a gate, with names, then with numbers, then its value."""
        signal = self.account.signals[index]
        tokens = [_name(signal.name), _EQUALS]
        if signal.kind != "gate":
            return (*tokens, Token("value", self._text(signal.value)))
        sources = [self.account.branches[w].source for w in self._into.get(index, ())]
        values = [scalar(self.account.signals[source].value) for source in sources]
        if not signal.equation or len(sources) <= _highest_slot(signal.equation):
            tokens.extend((Token("words", signal.words), _EQUALS))
        else:
            names = [name_latex(shortened(self.account.signals[s].name)) for s in sources]
            tokens.extend((Token("maths", _filled(signal.equation, names)), _EQUALS))
            if all(value is not None and math.isfinite(value) for value in values):
                numbers = [format_number(value, self._pattern) for value in values]
                written = _with_numbers(signal.equation, numbers)
                tokens.extend((Token("maths", written), _EQUALS))
        return (*tokens, Token("value", self._text(signal.value)))

    def chain_line(self, wire: int) -> Line:
        """The chain rule along a branch: upstream × local = downstream."""
        branch = self.account.branches[wire]
        pull = self.pull(branch)
        left = self._partial(self.account.signals[branch.source].name)
        along = () if self._terms[branch.source] < 2 else (Token("words", " along this wire"),)
        if pull is None:
            return (left, Token("words", ": this backward pass does not reach the wire"))
        target = self.account.signals[branch.target]
        upstream, local = scalar(pull.upstream), scalar(pull.local)
        result = Token("gradient", self._text(pull.downstream))
        if upstream is not None and local is not None:
            ratio = _ratio(target.name, self.account.signals[branch.source].name)
            return (
                left, *along, _EQUALS, self._partial(target.name), Token("words", " · "),
                Token("maths", ratio), _EQUALS,
                Token("gradient", format_number(upstream, self._pattern)), Token("words", " × "),
                Token("local", factor(local, self._pattern)), _EQUALS, result,
            )  # fmt: skip
        if pull.upstream is None:
            return (left, *along, _EQUALS, result, Token("words", ", as nothing flows back here"))
        rule = (
            ", upstream × local in every entry"
            if pull.local is not None
            else f", the upstream gradient times the Jacobian of {target.gate}"
        )
        return (left, *along, _EQUALS, result, Token("words", rule))

    def local_line(self, wire: int) -> Line:
        """The local gradient of a branch, as a formula and a number; empty where there is none."""
        branch = self.account.branches[wire]
        pull = self.pull(branch)
        source, target = self.account.signals[branch.source], self.account.signals[branch.target]
        tokens = [
            Token("words", "local gradient "),
            Token("maths", _ratio(target.name, source.name)),
        ]
        if branch.symbol:
            tokens.extend((_EQUALS, Token("maths", branch.symbol)))
        if pull is not None and scalar(pull.local) is not None:
            tokens.extend((_EQUALS, Token("local", self._text(pull.local))))
        return tuple(tokens) if len(tokens) > 2 else ()

    def gradient_line(self, index: int) -> Line:
        """The gradient of a signal; empty where the pass does not reach it."""
        signal = self.account.signals[index]
        if self.number is None or signal.gradients[self.number] is None:
            return ()
        return (
            self._partial(signal.name),
            _EQUALS,
            Token("gradient", self._text(signal.gradients[self.number])),
        )

    def _start(self, number: int) -> Step:
        """The output's gradient by itself, from which the pass starts."""
        output = self.account.outputs[number]
        wire = len(self.account.branches) + number
        idle = [w for w, branch in enumerate(self.account.branches) if self.pull(branch) is None]
        return Step(
            "backward",
            None,
            (wire,),
            (f"b{wire}", *(f"b{index}" for index in idle)),
            f"Start the backward pass at {shortened(output.name)}.",
            ((self._partial(output.name), _EQUALS, Token("gradient", self._text(output.seed))),),
        )

    def _gate(self, index: int, wires: Sequence[int]) -> Step:
        """One gate of the backward pass."""
        signal = self.account.signals[index]
        many = "each operand" if len(wires) > 1 else "its operand"
        questions: list[Question] = []
        for wire in wires:
            branch = self.account.branches[wire]
            name = self.account.signals[branch.source].name
            along = (Token("words", " along a wire"),) if self._terms[branch.source] > 1 else ()
            pull = self.pull(branch)
            if pull is not None:
                questions.extend(self._asked((self._partial(name), *along), pull.downstream))
        return Step(
            "backward",
            index,
            tuple(wires),
            tuple(f"b{wire}" for wire in wires),
            f"Back through the gate {signal.gate}: upstream gradient × local gradient for {many}.",
            tuple(self.chain_line(wire) for wire in wires),
            tuple(questions),
        )

    def _sum(self, index: int) -> Step:
        """The sum over the branches of a wire that fans out."""
        signal = self.account.signals[index]
        wires = tuple(w for w in self._out_of[index] if self._is_pulled(w))
        pulls = [self.pull(self.account.branches[wire]) for wire in wires]
        texts = [self._text(pull.downstream) for pull in pulls if pull is not None]
        if len(texts) > _MOST_TERMS:
            texts = [*texts[: _MOST_TERMS - 2], "…", texts[-1]]
        tokens = [self._partial(signal.name), _EQUALS]
        for place, text in enumerate(texts):
            tokens.append(Token("words", " + " if place else ""))
            tokens.append(Token("gradient", f"({text})" if place and text[0] == MINUS else text))
        total = None if self.number is None else signal.gradients[self.number]
        return Step(
            "backward",
            index,
            wires,
            (*(f"s{wire}" for wire in wires), f"t{index}"),
            f"{shortened(signal.name)} is used {len(wires)} times: "
            "what comes back along its wires is added up.",
            ((*tokens, _EQUALS, Token("gradient", self._text(total))),),
            self._asked((self._partial(signal.name),), total),
        )

    def _is_pulled(self, wire: int) -> bool:
        branches = self.account.branches
        return wire < len(branches) and self.pull(branches[wire]) is not None

    def _wires_of(self, indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(wire for index in indices for wire in self._out_of.get(index, ()))

    def _values_of(self, indices: Sequence[int]) -> tuple[str, ...]:
        return (
            *(f"a{wire}" for wire in self._wires_of(indices)),
            *(f"v{index}" for index in indices),
        )

    def _input_line(self) -> Line:
        """The names and values of the inputs."""
        inputs = [signal for signal in self.account.signals if signal.kind == "input"]
        tokens: list[Token] = []
        for place, signal in enumerate(inputs[:_MOST_NAMED]):
            tokens.append(Token("words", ", " if place else ""))
            tokens.extend((_name(signal.name), _EQUALS, Token("value", self._text(signal.value))))
        if len(inputs) > _MOST_NAMED:
            tokens.append(Token("words", f" and {len(inputs) - _MOST_NAMED} more"))
        return tuple(tokens)

    def _partial(self, name: str) -> Token:
        """The derivative of the pass's output by a wire."""
        output = "" if self.number is None else self.account.outputs[self.number].name
        return Token("maths", _ratio(output, name))

    def _text(self, value: Value) -> str:
        """A number, or the shape and norm of a tensor."""
        if value is None or np.ndim(value) == 0:
            return format_number(scalar(value), self._pattern)
        array = np.asarray(value)
        norm = format_number(float(np.linalg.norm(array.reshape(-1))), self._pattern)
        if array.ndim == 1:
            return f"vector of length {array.size} and norm {norm}"
        return f"{shape_text(array.shape)} tensor of norm {norm}"

    def _asked(self, asked: Line, value: Value) -> tuple[Question, ...]:
        """The question for a finite number."""
        answer = scalar(value)
        if answer is None or not math.isfinite(answer):
            return ()
        text = format_number(answer, self._pattern)
        tolerance = _TOLERANCE * abs(answer)
        with contextlib.suppress(ValueError):  # a pattern may write numbers in a form of its own
            tolerance = max(tolerance, abs(float(text.replace(MINUS, "-")) - answer) * (1 + 1e-9))
        return (Question(asked, answer, text, tolerance),)


_EQUALS: Final = Token("words", " = ")


def _name(name: str) -> Token:
    """A name as maths."""
    return Token("maths", name_latex(shortened(name)))


def _ratio(above: str, below: str) -> str:
    """LaTeX of a derivative; names that are no single word stand in brackets."""
    parts = []
    for name in (above, below):
        latex = name_latex(shortened(name))
        parts.append(latex if name.isidentifier() else rf"({latex})")
    return rf"\partial {parts[0]}/\partial {parts[1]}"


def _highest_slot(equation: str) -> int:
    """The greatest operand that an equation names."""
    return max((int(slot) for slot in _SLOT.findall(equation)), default=-1)


def _filled(equation: str, operands: Sequence[str]) -> str:
    """The equation with LaTeX for its operands."""
    return _SLOT.sub(lambda match: operands[int(match[1])], equation)


def _with_numbers(equation: str, numbers: Sequence[str]) -> str:
    """The equation with numbers for its operands, in brackets where they would be misread."""
    apart = _NEIGHBOURS.sub(r"\1 \\cdot ", equation)

    def number(match: re.Match[str]) -> str:
        text = numbers[int(match[1])].replace(MINUS, "-")
        mantissa, _, exponent = text.partition("e")
        latex = rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else text
        free = apart[: match.start()].rstrip()[-1:] in ("{", "(") and apart[match.end() :][:1] in (
            "}",
            ")",
        )
        plain = latex[0].isdigit() and not exponent
        return latex if plain or free else rf"\left({latex}\right)"

    return _SLOT.sub(number, apart)
