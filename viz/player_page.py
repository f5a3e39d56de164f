"""The page of a player: figures, steps as JSON, and the scripts that play them."""

import base64
import functools
import hashlib
import importlib.resources
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from circuitgrad.formulas.latex import name_latex
from circuitgrad.viz.captions import Captions, Line, Question, Step, Token
from circuitgrad.viz.escaping import escape, visible
from circuitgrad.viz.labels import pass_role, shortened
from circuitgrad.viz.numbers import factor, format_number
from circuitgrad.viz.passes import PassFilm
from circuitgrad.viz.path_sums import Path, PathSum, path_sums
from circuitgrad.viz.plain_maths import segments
from circuitgrad.viz.scene import Scene
from circuitgrad.viz.themes import DARK, LIGHT, SANS, SERIF, Theme
from circuitgrad.viz.values import scalar

_SCRIPTS: Final = ("stage", "view", "captions", "guess", "paths", "controls")
_FIELD: Final = re.compile(r"\{\{(\w+)\}\}")
_NAMED_TWICE: Final = re.compile(r'(role="graphics-symbol img") aria-label="[^"]*"(><title>)')
_MOST_COLUMNS: Final = 8
_MOST_NAMED: Final = 10
_LETTERS: Final = {"words": "w", "maths": "m", "value": "f", "gradient": "g", "local": "l"}
_DIGITS: Final = 6


def page(title: str, films: Sequence[PassFilm], theme: str) -> str:
    """The HTML document of a player.

    Args:
        title: What the page is called.
        films: One for each backward pass.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
    """
    script = _script()
    fields = {
        "theme": f' data-theme="{theme}"' if theme in ("light", "dark") else "",
        "role": films[0].role,
        "policy": _policy(script),
        "title": escape(title),
        "style": _style(),
        "figures": "".join(
            f'<div class="figure"{" hidden" if place else ""}>{_figure(film)}</div>'
            for place, film in enumerate(films)
        ),
        "jacobian": _jacobian_table(films),
        "data": _json(_data(films)),
        "script": script,
    }
    return _FIELD.sub(lambda match: fields[match[1]], _source("page.html"))


def _figure(film: PassFilm) -> str:
    """The picture of a pass; its tooltips are its names, so that they need not be written twice."""
    return _NAMED_TWICE.sub(r"\1\2", film.svg("auto"))


@functools.cache
def _source(name: str) -> str:
    """A file of the page."""
    folder = importlib.resources.files("circuitgrad.viz")
    return folder.joinpath("page", name).read_text(encoding="utf-8")


def _script() -> str:
    """The scripts of the page, as one."""
    parts = "".join(_source(f"{name}.js") for name in _SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


def _policy(script: str) -> str:
    """A policy under which the page runs its own script and requests nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _style() -> str:
    """The style sheet of the page with the colours of the figures."""
    light, dark = _variables(LIGHT), _variables(DARK)
    return (
        f":root{{--sans:{SANS};--serif:{SERIF};{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f":root[data-theme=light]{{{light}}}:root[data-theme=dark]{{{dark}}}\n"
        f"{_source('page.css')}"
    )


def _variables(theme: Theme) -> str:
    """The colours of a theme as CSS variables."""
    return "".join(f"--{name}:{colour};" for name, colour in theme.colours().items())


def _json(content: Any) -> str:
    """JSON that cannot end the script element around it, in any browser."""
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(films: Sequence[PassFilm]) -> dict[str, Any]:
    """All that the scripts need to know."""
    captions, scene = films[0].captions, films[0].composition.scene
    account = captions.account
    scopes = [
        {"name": visible(cluster.name), "in": _scopes_around(scene, cluster.parent)}
        for cluster in scene.clusters
    ]
    return {
        "passes": [_pass(film) for film in films],
        "nodes": [
            {
                "leaf": node.kind != "gate",
                "in": _scopes_around(scene, node.cluster),
            }
            for node in scene.nodes
        ],
        "ends": [[edge.source, edge.target] for edge in scene.edges],
        "scopes": scopes,
        "jacobian": [
            [_gradient_text(captions, k, film.number) for k in _columns(captions)] for film in films
        ]
        if len(account.outputs) > 1
        else [],
    }


def _scopes_around(scene: Scene, cluster: int | None) -> list[int]:
    """A scope and those around it."""
    around: list[int] = []
    while cluster is not None:
        around.append(cluster)
        cluster = scene.clusters[cluster].parent
    return around


def _pass(film: PassFilm) -> dict[str, Any]:
    """One backward pass: its steps, tooltips and paths."""
    captions = film.captions
    account = captions.account
    name = "" if film.number is None else account.outputs[film.number].name
    sums = () if film.number is None else path_sums(account, film.number)
    return {
        "name": visible(shortened(name)),
        "role": film.role,
        "steps": [_step(step) for step in film.steps],
        "wires": [_wire(film, index) for index in range(len(film.composition.scene.edges))],
        "nodes": [_node(film, index) for index in range(len(film.composition.scene.nodes))],
        "paths": [_path_sum(captions, item) for item in sums],
    }


def _step(step: Step) -> dict[str, Any]:
    """A step in the short form of the page."""
    return {
        "p": step.phase[0],
        "n": step.node,
        "w": step.wires,
        "s": step.shows,
        "t": visible(step.words),
        "l": _lines(step.lines),
        "q": [_question(question) for question in step.questions],
    }


def _question(question: Question) -> dict[str, Any]:
    """A question in the short form of the page."""
    return {
        "q": _line(question.asked),
        "a": _rounded(question.answer),
        "d": _rounded(question.tolerance),
        "t": question.text,
    }


def _lines(lines: Iterable[Line]) -> list[Any]:
    return [_line(line) for line in lines if line]


def _line(line: Line) -> list[Any]:
    """Tokens as pairs of a letter and a text; formulas as runs at three levels."""
    return [[_LETTERS[token.kind], _content(token)] for token in line if token.text]


def _content(token: Token) -> Any:
    if token.kind == "maths":
        return [[visible(segment.text), segment.level] for segment in segments(token.text)]
    return visible(token.text)


def _rounded(value: float) -> float:
    """The number with six digits."""
    return float(f"{value:.{_DIGITS}g}")


def _wire(film: PassFilm, index: int) -> dict[str, Any]:
    """The tooltip of a wire: its heading, its value, and what the pass sends along it.

    Lines that are captions of a step already are named by the step and the line.
    """
    captions = film.captions
    account = captions.account
    tip: dict[str, Any] = {}
    if index >= len(account.branches):
        place = index - len(account.branches)
        source = account.outputs[place].place
        heading: Line = (
            Token("words", "output "),
            Token("maths", _latex(account.outputs[place].name)),
        )
        backward: tuple[Line, ...] = ()
        if captions.number == place:
            backward = (captions.gradient_line(source),)
    else:
        branch = account.branches[index]
        source, target = branch.source, account.signals[branch.target]
        heading = (
            Token("maths", _latex(account.signals[source].name)),
            Token("words", f" into the gate {target.gate} of "),
            Token("maths", _latex(target.name)),
        )
        told = _caption_of(film.steps, index, branch.target)
        backward = (captions.local_line(index),) if captions.number is not None else ()
        if told is not None:
            tip["c"] = told
        elif captions.number is not None:
            backward = (captions.chain_line(index), *backward)
    name = Token("maths", _latex(account.signals[source].name))
    value = captions.value_line(source)[-1]
    return tip | {
        "h": _line(heading),
        "f": _line((name, Token("words", " = "), value)),
        "b": _lines(backward),
    }


def _caption_of(steps: Sequence[Step], wire: int, gate: int) -> tuple[int, int] | None:
    """The step and the line that tell the chain rule along a wire into a gate."""
    for place, step in enumerate(steps):
        if step.phase == "backward" and step.node == gate and f"b{wire}" in step.shows:
            return place, step.wires.index(wire)
    return None


def _node(film: PassFilm, index: int) -> dict[str, Any]:
    """The tooltip of a node, its wires, and the step after which its gradient is known."""
    captions = film.captions
    account = captions.account
    scene = film.composition.scene
    wires = [k for k, edge in enumerate(scene.edges) if edge.source == index]
    if index >= len(account.signals):
        heading = [["w", visible(scene.nodes[index].tooltip)]]
        return {"h": heading, "f": [], "b": [], "w": [], "g": 0}
    signal = account.signals[index]
    kind = f"gate {signal.gate}" if signal.kind == "gate" else signal.kind
    tip: dict[str, Any] = {} if signal.kind == "gate" else {"f": _line(captions.value_line(index))}
    for place, step in enumerate(film.steps):
        if step.phase == "forward" and step.node == index:
            tip["v"] = (place, 0)
    return tip | {
        "h": _line((Token("words", kind),)),
        "b": _lines((captions.gradient_line(index),)),
        "w": wires,
        "g": _known_at(film.steps, index, set(wires)),
    }


def _known_at(steps: Sequence[Step], index: int, wires: set[int]) -> int:
    """The last step that adds to the gradient of a signal."""
    return max(
        (
            place
            for place, step in enumerate(steps)
            if step.phase == "backward"
            and (step.node == index or wires & set(step.wires))
            and any(int(key[1:]) in wires or key == f"t{index}" for key in step.shows)
        ),
        default=len(steps) - 1,
    )


def _path_sum(captions: Captions, item: PathSum) -> dict[str, Any]:
    """The paths from one input, with their products and the sum."""
    account = captions.account
    more = item.count - len(item.paths)
    total = captions.gradient_line(item.source)
    name = visible(shortened(account.signals[item.source].name))
    products = [_product(path) for path in item.paths]
    tokens = list(total)
    if len(products) > 1 and not more and None not in products and total:
        terms: list[Token] = []
        for place, product in enumerate(products):
            terms.append(Token("words", " + " if place else " = "))
            text = format_number(product) if not place else factor(product)
            terms.append(Token("gradient", text))
        tokens[1:1] = terms
    return {
        "n": item.source,
        "name": name,
        "count": item.count,
        "more": f"and {more} more paths" if more else "",
        "l": _line(tuple(tokens)),
        "paths": [
            {
                "w": path.wires,
                "t": _line(_way(captions, item.source, path)),
                "l": _line(_factors(path)),
            }
            for path in item.paths
        ],
    }


def _product(path: Path) -> float | None:
    """The product of the local gradients along a path."""
    if path.factors is None:
        return None
    product = 1.0
    for value in path.factors:
        product *= value
    return product


def _way(captions: Captions, start: int, path: Path) -> Line:
    """The names along a path."""
    account = captions.account
    ends = [account.branches[wire].target for wire in path.wires]
    names = [_latex(account.signals[index].name) for index in (start, *ends)]
    if len(names) > _MOST_NAMED:
        names = [*names[: _MOST_NAMED // 2], r"\ldots", *names[-_MOST_NAMED // 2 :]]
    tokens = [Token("maths", names[0])]
    for name in names[1:]:
        tokens.extend((Token("words", " → "), Token("maths", name)))
    return tuple(tokens)


def _factors(path: Path) -> Line:
    """The product of the local gradients along a path, written out."""
    product = _product(path)
    if product is None or path.factors is None:
        return (Token("words", "the product of the Jacobians along it"),)
    tokens: list[Token] = []
    shown = path.factors if len(path.factors) <= _MOST_NAMED else path.factors[: _MOST_NAMED - 1]
    for place, value in enumerate(shown):
        tokens.append(Token("words", " × " if place else ""))
        tokens.append(Token("local", factor(value) if place else format_number(value)))
    if len(shown) < len(path.factors):
        tokens.append(Token("words", " × …"))
    return (*tokens, Token("words", " = "), Token("gradient", format_number(product)))


def _latex(name: str) -> str:
    return name_latex(shortened(name))


def _columns(captions: Captions) -> list[int]:
    """The inputs that the table of the Jacobian names."""
    signals = captions.account.signals
    return [k for k, signal in enumerate(signals) if signal.kind == "input"][:_MOST_COLUMNS]


def _gradient_text(captions: Captions, index: int, number: int | None) -> str:
    """An entry of the Jacobian; a dot where it is no number."""
    gradient = None if number is None else captions.account.signals[index].gradients[number]
    value = scalar(gradient)
    return "·" if value is None else format_number(value)


def _jacobian_table(films: Sequence[PassFilm]) -> str:
    """A table with a row for each backward pass; nothing where there is one."""
    captions = films[0].captions
    if len(films) < 2:
        return ""
    account = captions.account
    columns = _columns(captions)
    heads = "".join(
        f'<th scope="col">∂/∂{escape(shortened(account.signals[k].name))}</th>' for k in columns
    )
    rows = []
    for film in films:
        number = film.number or 0
        name = escape(shortened(account.outputs[number].name))
        cells = "<td>·</td>" * len(columns)
        rows.append(
            f'<tr style="color:var(--{pass_role(number)})"><th scope="row">'
            f'<button type="button" aria-pressed="false">∂{name}</button></th>{cells}</tr>'
        )
    return (
        '<table id="jacobian"><caption>The Jacobian: a row for each backward pass</caption>'
        f"<thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
