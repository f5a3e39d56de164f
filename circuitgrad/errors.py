"""The exceptions of circuitgrad.

One small family, each message with what was given, what was needed, what to do.
"""


class CircuitError(Exception):
    """Anything that circuitgrad refuses: the root of its exceptions."""


class ShapeError(CircuitError, ValueError):
    """Shapes or axes that do not fit together."""


class SpecError(CircuitError, ValueError):
    """A name, a text, a type or an option that cannot be understood."""


class DomainError(CircuitError, ValueError):
    """A value outside the domain of a gate, where no real result exists."""


class DerivativeError(CircuitError):
    """A derivative that is not known or does not exist."""


class ProofError(CircuitError):
    """A proof that contradicts itself, or a claim that was required and not proved."""


class BackendError(CircuitError, ImportError):
    """An optional package or program that is missing."""


class RenderError(CircuitError, RuntimeError):
    """A figure that cannot be drawn."""
