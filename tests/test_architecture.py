"""The layers of docs/architecture.md, the sizes and the wheel's contents, read off the files."""

import ast
import inspect
import pathlib
import tomllib

import pytest

import circuitgrad

ROOT = pathlib.Path(__file__).resolve().parents[1]

# A module may import from its own row and from the rows above it. A new module needs a row.
LAYERS = [
    {"advice", "errors", "spec", "grammar", "methods"},
    {"wire"},
    {"sources"},
    {"circuits", "faces"},
    {"gates"},
    {"numpy_calculus", "numpy_functions", "numpy_linalg", "numpy_protocol", "numpy_refusals"}
    | {"numpy_statistics", "scipy_distributions", "scipy_functions"},
    {"rewriting", "simplification"},
    {"assignments", "derivatives", "grids", "paths", "series"},
    {"formulas"},
    {"proofs"},
    {"plans"},
    {"structures"},
    {"containers", "tracing", "directions", "numpy", "scipy"},
    {"claims"},
    {"stability"},
    {"nn", "optim", "data"},
    {"training", "loops", "steps", "checkpoints"},
    {"viz"},
    {"explanation", "installation", "reference"},
    {"claim_commands"},
    {"cli", "__main__"},
]
DEPTH = {name: depth for depth, row in enumerate(LAYERS) for name in row}

# Wires have `+`, circuits have `.grad`: the one knot of the layers, tied in this module alone.
KNOT = "circuitgrad.methods"

CODE_OUT_OF_TEXT = {"eval", "exec", "compile", "sympify", "parse_expr", "lambdify"}
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve"}


def modules(prefix, folder):
    """Dotted name and path of every module in a folder, the link circuitgrad/viz not followed."""
    for path in sorted(folder.rglob("*.py")):
        if not path.is_relative_to(ROOT / "circuitgrad/viz"):
            yield ".".join([prefix, *path.relative_to(folder).with_suffix("").parts]), path


LIBRARY = [*modules("circuitgrad", ROOT / "circuitgrad"), *modules("circuitgrad.viz", ROOT / "viz")]
OTHERS = [
    pair
    for name in ("tests", "examples", "benchmarks", "docs")
    for pair in modules(name, ROOT / name)
]
every_library_module = pytest.mark.parametrize(
    ("module", "path"), [pytest.param(*pair, id=pair[0]) for pair in LIBRARY]
)
every_module = pytest.mark.parametrize(
    ("module", "path"), [pytest.param(*pair, id=pair[0]) for pair in LIBRARY + OTHERS]
)


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def for_type_checkers(tree):
    """The nodes that only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from ast.walk(node)


def imported_names(tree):
    """Dotted names of the modules that a syntax tree imports when it runs, at any depth."""
    unread = set(for_type_checkers(tree))
    for node in ast.walk(tree):
        if node in unread:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "circuitgrad":
            yield from (f"circuitgrad.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def called_names(tree):
    """Line and dotted name of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def layer_of(module):
    """The part of a module's name that has a row in LAYERS."""
    return module.split(".")[1]


@every_library_module
def test_a_module_imports_only_from_layers_above(module, path):
    if module == "circuitgrad.__init__":
        return  # the public face shows every layer
    own = layer_of(module)
    assert own in DEPTH, f"{module}: give '{own}' a row in LAYERS and in docs/architecture.md"
    for name in imported_names(tree_of(path)):
        assert not name.startswith("."), f"{module}: write 'from circuitgrad...', not '{name}'"
        assert name.split(".")[0] != "viz", f"{module}: import circuitgrad.viz, not viz"
        assert name != "circuitgrad", f"{module}: import from the module that owns the name"
        if name.startswith("circuitgrad."):
            other = layer_of(name)
            assert DEPTH[other] <= DEPTH[own], f"{module}: '{own}' may not import '{other}'"


def test_modules_are_looked_up_by_name_in_one_place_only():
    places = [
        module
        for module, path in LIBRARY
        for _, name in called_names(tree_of(path))
        if name in ("import_module", "importlib.import_module", "__import__")
    ]
    assert places == [KNOT]


@every_library_module
def test_no_text_becomes_code(module, path):
    tree = tree_of(path)
    for line, called in called_names(tree):
        owner, _, name = called.rpartition(".")
        if owner == "re":
            continue  # re.compile is no code
        assert name not in CODE_OUT_OF_TEXT, f"{module}, line {line}: calls {called}"
    roots = {name.split(".")[0] for name in imported_names(tree)}
    assert not roots & UNSAFE_MODULES, f"{module}: imports {sorted(roots & UNSAFE_MODULES)}"


@every_module
def test_files_and_functions_stay_short(module, path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{module}: {lines} lines; 400 are the limit"
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= 50, f"{module}.{node.name}: {length} lines; 50 are the limit"


def test_no_public_function_hides_a_module_of_its_name():
    own = {module.split(".")[1] for module, _ in LIBRARY} - {"__init__"}
    hidden = {name for name in own if inspect.isroutine(getattr(circuitgrad, name, None))}
    assert not hidden, f"circuitgrad.{min(hidden)} is both a function and a module"


def test_public_names_exist_and_are_listed_once():
    assert len(set(circuitgrad.__all__)) == len(circuitgrad.__all__)
    assert all(hasattr(circuitgrad, name) for name in circuitgrad.__all__)


def test_the_wheel_lists_every_package_and_one_top_level_name():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = config["tool"]["setuptools"]["packages"]
    found = [name.rsplit(".", 1)[0] for name, path in LIBRARY]
    assert sorted(listed) == sorted(set(found))
    assert {name.split(".")[0] for name in listed} == {"circuitgrad"}
    assert all((ROOT / name.replace(".", "/") / "__init__.py").is_file() for name in listed)


def test_the_link_points_at_viz():
    assert (ROOT / "circuitgrad/viz").resolve() == ROOT / "viz"


def test_the_package_is_marked_as_typed():
    assert (ROOT / "circuitgrad/py.typed").is_file()
