"""The wall-clock budget that every loop of a proof looks at."""

import time


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
