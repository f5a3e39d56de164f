"""The rounds: every library in turn, many times over, so that a busy moment hits all of them."""

import gc
import statistics
import time
from dataclasses import dataclass, field

from benchmarks.case import error

SAMPLE = 0.03  # seconds: fast evaluations are repeated until a sample is this long
BUDGET = 12.0  # seconds of evaluation for one case, after the least number of rounds
LEAST_ROUNDS = 5
LONG_CALL = 1.0  # seconds: what takes longer is timed once
LONG_PREPARATION = 2.0  # seconds: what takes longer is built and compiled once
PREPARATION_LIMIT = 60  # seconds: what takes longer is left out, in the libraries' modules


@dataclass
class Measurement:
    """What was seen of one library on one case: seconds by step and round, or why there are none.

    Attributes:
        wall: Wall-clock seconds of each round, for "build", "compile" and "evaluate".
        cpu: Processor seconds, all threads together, likewise.
        failure: The reason why nothing was timed, "" if all went well.
        error: Distance to the reference, as `benchmarks.case.error` measures it.
    """

    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    failure: str = ""
    error: float = 0.0

    def add(self, step, wall, cpu):
        """Note one round of one step."""
        self.wall.setdefault(step, []).append(wall)
        self.cpu.setdefault(step, []).append(cpu)


def clocked(function, *arguments):
    """What the function returned, its wall-clock seconds and its processor seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    returned = function(*arguments)
    return returned, time.perf_counter() - wall, time.process_time() - cpu


def prepare(solution, measurement):
    """What the solution evaluates, built and compiled; both steps are noted."""
    made = None
    if solution.build is not None:
        made, *seconds = clocked(solution.build)
        measurement.add("build", *seconds)
    if solution.compile is not None:
        made, *seconds = clocked(solution.compile, made)
        measurement.add("compile", *seconds)
    return made


def repeat(evaluate, argument, times):
    """Run an evaluation several times in a row."""
    for _ in range(times):
        evaluate(argument)


@dataclass
class Runner:
    """One library at work on one case."""

    solution: object
    measurement: Measurement
    made: object = None
    times: int = 1
    is_long: bool = False

    def prepare(self):
        """Build and compile afresh; what was made before is let go first."""
        wall = self.measurement.wall
        if sum(sum(wall.get(step, [])) for step in ("build", "compile")) > LONG_PREPARATION:
            return
        self.made = None
        gc.collect()
        self.made = prepare(self.solution, self.measurement)

    def check(self, case, expected):
        """Note a failure unless the results are the reference's; choose the repetitions."""
        found = self.solution.result(self.solution.evaluate(self.made))
        self.measurement.error = error(found, expected)
        if self.measurement.error > case.tolerance:
            self.measurement.failure = f"wrong by {self.measurement.error:.0e}"
        _, *seconds = clocked(self.solution.evaluate, self.made)
        self.is_long = seconds[0] > LONG_CALL
        if self.is_long:
            self.measurement.add("evaluate", *seconds)
        self.times = max(1, round(SAMPLE / max(seconds[0], 1e-9)))

    def sample(self):
        """Note one round of evaluations."""
        _, wall, cpu = clocked(repeat, self.solution.evaluate, self.made, self.times)
        self.measurement.add("evaluate", wall / self.times, cpu / self.times)

    def attempt(self, step, *arguments):
        """Run a step; an exception ends the library's part in this case, and is noted."""
        if self.measurement.failure:
            return
        try:
            step(*arguments)
        except Exception as problem:  # a library may fail in any way; the page says how it did
            self.measurement.failure = f"fails: {type(problem).__name__}"
            print(f"    {self.measurement.failure}: {str(problem)[:200]}")


def measure(case, solutions, rounds, preparations):
    """Measurements by library name, of solutions by library name.

    Args:
        case: The case that all solutions solve.
        solutions: Name of a library -> Solution.
        rounds: How many evaluation samples to take of each library, in turn.
        preparations: How many times to build and compile, in turn.
    """
    runners = {name: Runner(solution, Measurement()) for name, solution in solutions.items()}
    expected = case.reference()
    set_aside()
    for _ in range(preparations):
        for runner in runners.values():
            runner.attempt(runner.prepare)
    for runner in runners.values():
        runner.attempt(runner.check, case, expected)
    set_aside()
    order = [
        name
        for name, runner in runners.items()
        if not runner.measurement.failure and not runner.is_long
    ]
    start = time.perf_counter()
    for number in range(rounds):
        if number >= LEAST_ROUNDS and time.perf_counter() - start > BUDGET:
            break
        for name in order:
            runners[name].attempt(runners[name].sample)
        order = order[1:] + order[:1]  # nobody always follows the same neighbour
    gc.unfreeze()
    return {name: runner.measurement for name, runner in runners.items()}


def set_aside():
    """Spare the garbage collector what exists: nobody pays for the objects of the others."""
    gc.collect()
    gc.freeze()


def median_ratio(ours, theirs):
    """Median over the rounds of their time over ours, each taken from one round."""
    pairs = zip(ours, theirs, strict=False)
    return statistics.median(their / max(our, 1e-12) for our, their in pairs)
