"""The source of a kernel function, found in its file and cut out so that it stands alone."""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
import types
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from circuitgrad.errors import SpecError

Definition = ast.FunctionDef | ast.Lambda


@lru_cache(maxsize=64)
def _tree(source: str) -> ast.Module:
    return ast.parse(source)


def definition(function: types.FunctionType, gate: str) -> tuple[Definition, str]:
    """The syntax tree of a function and the text of the file that it stands in.

    Raises:
        SpecError: No file has it, as for functions typed at a prompt.
    """
    code = function.__code__
    try:
        source = "".join(inspect.findsource(code)[0])
        tree = _tree(source)
    except (OSError, TypeError, SyntaxError, IndexError):
        tree, source = ast.Module([], []), ""
    for node in ast.walk(tree):
        is_here = isinstance(node, Definition) and node.lineno == code.co_firstlineno
        if is_here and _is_of(node, code):
            return node, source  # type: ignore[return-value]
    raise SpecError(
        f"numpy_source: the source of the kernel of gate '{gate}' is nowhere to be read. Declare "
        "the gate in a file, or by a formula without kernel=."
    )


def _is_of(node: ast.AST, code: types.CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == code.co_name
    assert isinstance(node, ast.Lambda)
    if code.co_name != "<lambda>":
        return False
    begin, end = _span(node.body)
    found = [
        ((line, column), (last, stop))
        for line, last, column, stop in code.co_positions()
        if line and last and column is not None and stop is not None and (column or stop)
    ]
    return all(begin <= first and after <= end for first, after in found)


def _span(node: ast.expr) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def scope_of(function: types.FunctionType) -> dict[str, Any]:
    """What the free names of a function stand for: its closure and its module's names."""
    cells = function.__closure__ or ()
    closed = {
        name: cell.cell_contents
        for name, cell in zip(function.__code__.co_freevars, cells, strict=True)
    }
    return {**function.__globals__, **closed}


def free_names(node: Definition, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The names that a definition takes from outside itself, and what they stand for."""
    own = {a.arg for inner in ast.walk(node) for a in _arguments(inner)}
    own |= {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    hints = {id(n) for hint in _annotations(node) for n in ast.walk(hint)}
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in hints]
    return {name: scope[name] for name in dict.fromkeys(names) if name not in own and name in scope}


def _arguments(node: ast.AST) -> list[ast.arg]:
    if not isinstance(node, ast.FunctionDef | ast.Lambda):
        return []
    given = node.args
    found = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return [a for a in found if a is not None]


def _annotations(node: Definition) -> Iterator[ast.expr]:
    for inner in ast.walk(node):
        hint = getattr(inner, "returns", None) or getattr(inner, "annotation", None)
        if isinstance(hint, ast.expr):
            yield hint


def rewritten(
    node: ast.FunctionDef, source: str, title: str, renamed: Mapping[str, str], first_lines: str
) -> str:
    """The text of a function under another name, without type hints.

    Args:
        node: The function.
        source: The file.
        title: Its new name.
        renamed: Free names and what is written for them.
        first_lines: What is put at the beginning of the body.
    """
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))

    def offset(line: int | None, column: int | None) -> int:
        return starts[(line or 1) - 1] + (column or 0)

    body = node.body[0]
    begin = offset(body.lineno, body.col_offset)
    edits = [
        edit
        for line in node.body
        for inner in ast.walk(line)
        for edit in _edits(inner, offset, renamed)
    ]
    data = source.encode()[begin : offset(node.end_lineno, node.end_col_offset)]
    for start, length, new in sorted(edits, reverse=True):
        data = data[: start - begin] + new.encode() + data[start - begin + length :]
    indent = " " * (body.col_offset if body.lineno > node.lineno else node.col_offset + 4)
    words = textwrap.indent(first_lines, indent) + indent + data.decode()
    head = f"def {title}({ast.unparse(_without_hints(node.args))}):"
    return f"{head}\n{textwrap.indent(textwrap.dedent(words), '    ')}".rstrip()


def _without_hints(arguments: ast.arguments) -> ast.arguments:
    found = copy.deepcopy(arguments)
    for inner in ast.walk(found):
        if isinstance(inner, ast.arg):
            inner.annotation = None
    return found


def _edits(node: ast.AST, offset: Any, renamed: Mapping[str, str]) -> list[tuple[int, int, str]]:
    def span(inner: Any) -> tuple[int, int]:
        return offset(inner.lineno, inner.col_offset), offset(
            inner.end_lineno, inner.end_col_offset
        )

    if isinstance(node, ast.Name) and node.id in renamed:
        start, end = span(node)
        return [(start, end - start, renamed[node.id])]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        start, end = span(node.target)[1], span(node.annotation)[1]
        return [(start, end - start, "")]
    return []
