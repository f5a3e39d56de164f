"""The page docs/performance.md: machine, method, one table per problem, what it says in words."""

import math
import pathlib
import platform
import statistics
import textwrap

from benchmarks import peers, problems, timing
from benchmarks.timing import median_ratio

STEPS = ("build", "compile", "evaluate")

METHOD = """\
# Performance

Written by `make bench`; do not edit. It compares circuitgrad with other libraries on some jobs, of
which each has a table.

How to read the tables. The column circuitgrad has times. The other columns have *their time divided
by circuitgrad's*, and the time: **above 1 circuitgrad is the faster one, below 1 the slower one**.
Time is counted apart for

- **build**: the graph of the value,
- **compile**: everything else before the second evaluation: derivative, plan or code, first call,
- **evaluate**: the results once, with wall-clock time and with processor time.

A dash: the library has no such step, because it records the graph in every evaluation. Blank: the
library cannot do it, or not with less than {limit} seconds of preparation.

How it was measured. All libraries run in one process, bound to one core, one thread each. They take
turns in every round; a ratio is the median of the ratios of the rounds, a time the median of the
times. Building and compiling are done three times, or once if they take more than
{preparation:g} s; an evaluation of more than {call:g} s is timed once. Before a library is timed,
its results are compared with a derivation by hand in float64 (the largest error allowed is between
1e-11 and 1e-8 of the largest entry, and 1e-4 in float32). *By hand* is that derivation itself, in
NumPy unless said otherwise. autograd and PyTorch record the graph in every evaluation. PyTensor
compiles with Numba, for all sizes at once: that is counted in the first rows of a problem.
"""


def seconds(time):
    """A time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if time >= size:
            return f"{time / size:.3g} {unit}"
    return f"{time * 1e9:.3g} ns"


def ratio(number):
    """A ratio with two digits, e.g. 0.052, 3.1, 1200."""
    digits = 1 - math.floor(math.log10(number))
    return f"{round(number, digits):.{max(digits, 0)}f}"


def cell(ours, theirs, step, clock="wall"):
    """What a table says about one step of another library."""
    if theirs is None:
        return ""
    if theirs.failure:
        return theirs.failure
    times = getattr(theirs, clock).get(step)
    if not times:
        return "–"
    own, time = getattr(ours, clock).get(step), seconds(statistics.median(times))
    return f"{ratio(median_ratio(own, times))} ({time})" if own else time


def own_cell(ours, step, clock="wall"):
    """What a table says about one step of circuitgrad."""
    times = getattr(ours, clock).get(step)
    return ours.failure or (f"**{seconds(statistics.median(times))}**" if times else "–")


def table(measured):
    """Markdown table of one problem: label -> name of a library -> Measurement."""
    names = [name for name, _, _ in peers.SYSTEMS if any(name in row for row in measured.values())]
    rows = [["", "step", *names], ["---"] * (len(names) + 2)]
    lines = [(step, "wall", step) for step in STEPS] + [("evaluate", "cpu", "evaluate, processor")]
    for label, libraries in measured.items():
        ours = libraries["circuitgrad"]
        for number, (step, clock, title) in enumerate(lines):
            others = [cell(ours, libraries.get(name), step, clock) for name in names[1:]]
            rows.append(["" if number else label, title, own_cell(ours, step, clock), *others])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def losses(measured):
    """Each library that evaluates faster than circuitgrad, with every case and by how much."""
    found = {}
    for label, libraries in measured.items():
        ours = libraries["circuitgrad"]
        if ours.failure:
            found.setdefault("circuitgrad", []).append(f"{ours.failure} at {label}")
            continue
        for name, theirs in libraries.items():
            if name.startswith("circuitgrad") or theirs.failure:
                continue
            number = median_ratio(ours.wall["evaluate"], theirs.wall["evaluate"])
            if number < 1:
                found.setdefault(name, []).append(f"{1 / number:.3g} times at {label}")
    if not found:
        return "Nothing evaluates faster than circuitgrad."
    lines = [f"- {name}: {'; '.join(places)}." for name, places in found.items()]
    return "\n".join(["What evaluates faster than circuitgrad, and how many times:\n", *lines])


def processor():
    """The processor's name."""
    information = pathlib.Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def page(measured, cores, rounds):
    """The whole page.

    Args:
        measured: problem -> label of a case -> name of a library -> Measurement.
        cores: How many cores the machine has.
        rounds: How many rounds were asked for.
    """
    listed = ", ".join(f"{name} {version}" for name, version in peers.versions().items())
    method = METHOD.format(
        limit=timing.PREPARATION_LIMIT,
        call=timing.LONG_CALL,
        preparation=timing.LONG_PREPARATION,
    )
    parts = [
        method,
        f"Machine: {processor()}, {cores} cores. Python {platform.python_version()}, {listed}. "
        f"{rounds} rounds.\n",
    ]
    for problem, cases in measured.items():
        module = problems.load(problem)
        about = textwrap.fill(module.ABOUT, 100)
        parts += [f"## {module.TITLE}\n", about + "\n", table(cases) + "\n", losses(cases) + "\n"]
    return "\n".join(parts)
