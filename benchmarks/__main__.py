"""Run the benchmarks: `python -m benchmarks [--quick] [--only circuit …] [--output page.md]`."""

import argparse
import os
import pathlib

# One thread for everybody: said before any of the libraries is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

from benchmarks import peers, problems, report, timing  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def arguments():
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, printed and not written")
    parser.add_argument(
        "--only", nargs="+", choices=problems.MODULES, help="some problems; printed and not written"
    )
    parser.add_argument("--rounds", type=int, help="evaluation rounds (21; 5 when quick)")
    parser.add_argument("--output", type=pathlib.Path, help=f"the page to write ({PAGE.name})")
    return parser.parse_args()


def main():
    """Measure, print the page, and write it."""
    options = arguments()
    rounds = options.rounds or (5 if options.quick else 21)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    measured = {}
    for problem in options.only or problems.MODULES:
        measured[problem] = {}
        for case in problems.load(problem).cases(quick=options.quick):
            print(f"{problem}: {case.label}", flush=True)
            measured[problem][case.label] = timing.measure(
                case, peers.solutions(case), rounds, preparations=1 if options.quick else 3
            )
    text = report.page(measured, os.cpu_count() or 1, rounds)
    print(text)
    output = options.output or (None if options.quick or options.only else PAGE)
    if output:
        output.write_text(text, encoding="utf-8")
        print(f"written: {output}")


if __name__ == "__main__":
    main()
