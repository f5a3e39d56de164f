"""The wall-clock budget that every loop of a proof looks at."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType


class OutOfBudgetError(Exception):
    """Raised inside a proof when its time is up; never leaves the proofs package."""


class Budget:
    """A cooperative wall-clock budget.

    Args:
        seconds: time allowed from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._start = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the budget was opened."""
        return time.perf_counter() - self._start

    @property
    def left(self) -> float:
        """Seconds that are left, 0 or more."""
        return max(0.0, self.seconds - self.elapsed)

    def check(self) -> None:
        """Return nothing while there is time.

        Raises:
            OutOfBudgetError: when the time is up.
        """
        if self.elapsed > self.seconds:
            raise OutOfBudgetError


@contextlib.contextmanager
def hard_limit(seconds: float) -> Iterator[None]:
    """Stops what does not look at its budget, such as a call to SymPy that takes for ever.

    By the alarm of POSIX systems, so it works in the main thread only, and not where the program
    uses the alarm itself. Elsewhere budgets are kept by looking at the clock alone.

    Args:
        seconds: Time allowed for what runs inside.

    Raises:
        OutOfBudgetError: Inside, when the time is up.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getitimer(signal.ITIMER_REAL)[0] or seconds <= 0:
        yield
        return
    before = signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise OutOfBudgetError
