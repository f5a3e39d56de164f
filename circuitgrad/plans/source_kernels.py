"""How kernels are written: NumPy's functions by name or operator, others as small functions.

A gate's kernel is its one declaration. A ufunc is printed as an operator or by its name, a lambda
as an expression with the operands in the place of its parameters, and a function is copied to the
top of the module with all that it calls.
"""

from __future__ import annotations

import ast
import builtins
import copy
import math
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitgrad import grammar
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.gates import scipy_kernels
from circuitgrad.plans import source_functions
from circuitgrad.plans.source_names import Names
from circuitgrad.plans.source_text import (
    binary,
    call,
    is_number,
    is_simple,
    literal,
    name,
    negative,
    number,
    numpy,
    printed,
    quoted,
    transposed,
)

_BINARY: dict[Any, type[ast.operator]] = {
    np.add: ast.Add, np.subtract: ast.Sub, np.multiply: ast.Mult, np.divide: ast.Div,
    np.power: ast.Pow, np.matmul: ast.MatMult, np.remainder: ast.Mod,
    np.floor_divide: ast.FloorDiv,
}  # fmt: skip
_UNARY: dict[Any, Callable[[ast.expr], ast.expr]] = {
    np.negative: negative,
    np.square: lambda x: binary(x, ast.Pow, number(2)),
    np.reciprocal: lambda x: binary(number(1), ast.Div, x),
    np.transpose: transposed,
}
_FORMULA_NAMES = {"pi": "pi", "E": "e"}


def numpy_name(function: Any) -> str | None:
    """The name under which NumPy has a function, as "exp" or "linalg.inv"."""
    short = getattr(function, "__name__", "")
    for prefix, module in (("", np), ("linalg.", np.linalg)):
        if short and getattr(module, short, None) is function:
            return prefix + short
    return "abs" if function is np.abs else None


class Kernels:
    """The functions that stand at the top of a module.

    Args:
        names: The module's names.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._written: dict[Any, str] = {}
        self.texts: list[str] = []
        self.imports: set[str] = set()

    def applied(
        self,
        function: Any,
        operands: Sequence[ast.expr],
        options: Mapping[str, ast.expr],
        gate: str,
        meaning: str = "",
        dtype: str = "float64",
    ) -> ast.expr:
        """A kernel on operands, as an expression.

        Args:
            function: The kernel.
            operands: Its operands.
            options: Its parameters.
            gate: The gate's name, for the function and for errors.
            meaning: A formula for the function's docstring.
            dtype: The dtype of the gate.

        Raises:
            SpecError: A kernel that needs more than NumPy, or whose source is not known.
        """
        if len(operands) == 2 and function in _BINARY and not options:
            first = operands[0]
            if all(is_number(node) for node in operands):
                first = call(dtype, _real(first))
            return binary(first, _BINARY[function], operands[1])
        if len(operands) == 1 and function in _UNARY and not options:
            return _UNARY[function](_wrapped(operands, dtype)[0])
        known = numpy_name(function)
        if known:
            return call(known, *_wrapped(operands, dtype), **options)
        if not isinstance(function, types.FunctionType):
            raise SpecError(
                f"numpy_source: the kernel of gate '{gate}' is {function!r}, which is not NumPy's. "
                "Declare the gate by a formula, or by a kernel that needs only NumPy."
            )
        node, _ = source_functions.definition(function, gate)
        asked = _asked(function, node, gate)
        parameters = [*_parameters(node), *[""] * len(operands)]  # a kernel may take *arrays
        given = [
            call(dtype, _real(operand)) if parameter in asked and is_number(operand) else operand
            for parameter, operand in zip(parameters, operands, strict=False)
        ]
        if all(is_number(operand) for operand in operands):
            given = _wrapped(operands, dtype)
        if isinstance(node, ast.Lambda) and _may_stand_inline(node, given, options):
            return self._inline(function, node, given, options, gate)
        title = self.function(function, gate, meaning, gate)
        return call(name(title), *given, **options)

    # --- expressions ------------------------------------------------------------------------------

    def _inline(
        self,
        function: types.FunctionType,
        node: ast.Lambda,
        operands: Sequence[ast.expr],
        options: Mapping[str, ast.expr],
        gate: str,
    ) -> ast.expr:
        scope: dict[str, ast.expr] = dict(options)
        if node.args.vararg is not None:
            scope[node.args.vararg.arg] = ast.Tuple(list(operands))
        else:
            scope |= dict(zip(_parameters(node), operands, strict=False))
        free = source_functions.free_names(node, source_functions.scope_of(function))
        scope |= {k: self._value(v, k, gate) for k, v in free.items()}
        body: ast.expr = _Substitution(scope).visit(copy.deepcopy(node.body))
        if isinstance(body, ast.Call) and printed(body.func) == "np.asarray" and node.args.args:
            return body.args[0]  # a gate's value is an array anyway
        return body

    def _value(self, value: Any, own: str, gate: str) -> ast.expr:
        """What stands for a free name of a kernel."""
        if value is np:
            return name("np")
        if isinstance(value, types.ModuleType) and value.__name__ in sys.stdlib_module_names:
            self.imports.add(value.__name__)
            return name(value.__name__)
        if isinstance(value, type) and issubclass(value, CircuitError):
            return name("ValueError")  # the errors that kernels raise are of this kind too
        if getattr(builtins, own, None) is value:
            return name(own)
        known = numpy_name(value)
        if known:
            return numpy(known)
        if isinstance(value, types.FunctionType):
            return name(self.function(value, own, "", gate))
        if isinstance(value, np.ufunc):
            return name(self._ufunc_of_each(value, own, gate))
        if isinstance(value, bool | int | float | str | tuple):
            return literal(value)
        if getattr(value, "__module__", "") == scipy_kernels.__name__:
            raise SpecError(
                f"numpy_source: gate '{gate}' is computed by SciPy, and the module may need only "
                "NumPy. Run the circuit itself, or export the part before this gate."
            )
        raise SpecError(
            f"numpy_source: the kernel of gate '{gate}' uses '{own}', which is not NumPy's."
        )

    def _ufunc_of_each(self, function: np.ufunc, own: str, gate: str) -> str:
        """A ufunc that np.frompyfunc made of one of Python's math functions."""
        if function not in self._written:
            plain = function.__name__.split(" ")[0]
            if not callable(getattr(math, plain, None)):
                raise SpecError(
                    f"numpy_source: the kernel of gate '{gate}' uses '{own}', not NumPy's."
                )
            self.imports.add("math")
            title = self._written[function] = self._names.take(own)
            self.texts.append(
                f"{title} = np.frompyfunc(math.{plain}, {function.nin}, {function.nout})"
            )
        return self._written[function]

    # --- functions --------------------------------------------------------------------------------

    def function(self, function: types.FunctionType, wanted: str, meaning: str, gate: str) -> str:
        """The name of a function in the module; it is written there when first asked for."""
        cells = tuple(id(c.cell_contents) for c in function.__closure__ or ())
        key = (function.__code__, cells)
        if key not in self._written:
            title = self._written[key] = self._names.take(wanted)
            node, source = source_functions.definition(function, gate)
            free = source_functions.free_names(node, source_functions.scope_of(function))
            values = {k: self._value(v, k, gate) for k, v in free.items()}
            is_lambda = isinstance(node, ast.Lambda)
            text = (
                _lambda_text(node, title, values)
                if isinstance(node, ast.Lambda)
                else _function_text(node, source, title, values, function.__code__.co_freevars)
            )
            has_words = not is_lambda and ast.get_docstring(node) is not None  # type: ignore[arg-type]
            self.texts.append(text if has_words else with_docstring(text, meaning))
        return self._written[key]

    def of_formula(
        self, gate: str, variables: Sequence[str], body: str, key: Any, meaning: str
    ) -> str:
        """The name of a function whose body is given, written when first asked for."""
        if key not in self._written:
            title = self._written[key] = self._names.take(gate)
            text = f"def {title}({', '.join(variables)}):\n{body}"
            self.texts.append(with_docstring(text, meaning))
        return self._written[key]


def with_docstring(text: str, meaning: str) -> str:
    """A function's text with a docstring under its first line."""
    if not meaning:
        return text
    head, _, body = text.partition(":\n")
    words = quoted(meaning)[1:-1].replace('\\"', "'")
    line = f'    """{words}."""'
    return f"{head}:\n{line}\n{body}" if len(line) <= 100 else text


def _function_text(
    node: ast.FunctionDef,
    source: str,
    title: str,
    values: Mapping[str, ast.expr],
    closed: Sequence[str],
) -> str:
    kept = [k for k in closed if k in values]
    renamed = {k: printed(v) for k, v in values.items() if k not in kept and printed(v) != k}
    bound = "".join(f"{k} = {printed(values[k])}\n" for k in kept if printed(values[k]) != k)
    return source_functions.rewritten(node, source, title, renamed, bound)


def _lambda_text(node: ast.Lambda, title: str, values: Mapping[str, ast.expr]) -> str:
    body = _Substitution(values).visit(copy.deepcopy(node.body))
    return f"def {title}({', '.join(_parameters(node))}):\n    return {printed(body)}"


class _Substitution(ast.NodeTransformer):
    """Expressions in the place of names."""

    def __init__(self, scope: Mapping[str, ast.expr]) -> None:
        self._scope = scope

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._scope.get(node.id, node)

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        self.generic_visit(node)
        is_tuple = node.arg == "axis" and isinstance(node.value, ast.Tuple)
        if is_tuple and len(node.value.elts) == 1:  # type: ignore[attr-defined]
            node.value = node.value.elts[0]  # type: ignore[attr-defined]
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        inner = node.slice
        if isinstance(inner, ast.Subscript) and printed(inner.value) == "np.s_":
            node.slice = inner.slice
        return node


def _parameters(node: source_functions.Definition) -> list[str]:
    given = node.args
    return [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _asked(function: types.FunctionType, node: source_functions.Definition, gate: str) -> set[str]:
    """The parameters of which more than their value is asked, such as the dtype."""
    scope = source_functions.scope_of(function)
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute | ast.Subscript) and isinstance(inner.value, ast.Name):
            found.add(inner.value.id)
        if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Name):
            continue
        called = scope.get(inner.func.id)
        if isinstance(called, types.FunctionType) and called is not function:
            there, _ = source_functions.definition(called, gate)
            wanted = _asked(called, there, gate)
            pairs = zip(_parameters(there), inner.args, strict=False)
            found |= {a.id for p, a in pairs if p in wanted and isinstance(a, ast.Name)}
    return found


def _may_stand_inline(
    node: ast.Lambda, operands: Sequence[ast.expr], options: Mapping[str, ast.expr]
) -> bool:
    """Whether no operand is written twice."""
    if node.args.vararg is not None:
        return True
    used = [n.id for n in ast.walk(node.body) if isinstance(n, ast.Name)]
    pairs = zip(_parameters(node), operands, strict=False)
    return all(used.count(p) <= 1 or is_number(operand) for p, operand in pairs) and all(
        is_simple(v) or used.count(k) <= 1 for k, v in options.items()
    )


def _wrapped(operands: Sequence[ast.expr], dtype: str) -> list[ast.expr]:
    """Literal numbers as NumPy's where all operands are; with their point elsewhere."""
    if operands and all(is_number(node) for node in operands):
        return [call(dtype, _real(node)) for node in operands]
    return [_real(node) if is_number(node) else node for node in operands]


def _real(node: ast.expr) -> ast.expr:
    """A whole number with its point."""
    if isinstance(node, ast.UnaryOp):
        return negative(_real(node.operand))
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return ast.Constant(float(node.value))
    return node


# --- formulas -------------------------------------------------------------------------------------


def formula_expression(
    text: str, scope: Mapping[str, ast.expr], functions: Mapping[str, Any], kernels: Kernels
) -> ast.expr:
    """A gate's formula in NumPy's names."""
    tree = copy.deepcopy(grammar.parse(text))  # the grammar keeps its trees
    named: dict[str, ast.expr] = {k: numpy(v) for k, v in _FORMULA_NAMES.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            known = numpy_name(functions[node.func.id])
            if known:
                named[node.func.id] = numpy(known)
            else:
                kernels.imports.add("math")
                kind = ast.List([name("float")])
                of_each = name("math." + node.func.id)
                named[node.func.id] = call("vectorize", of_each, otypes=kind)
    return _Substitution(named | dict(scope)).visit(tree)  # type: ignore[no-any-return]
