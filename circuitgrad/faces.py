"""What a circuit can do: each method hands its work to the layer that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from circuitgrad.methods import upper_layer
from circuitgrad.wire import Wire

if TYPE_CHECKING:
    from circuitgrad.circuits import Circuit
    from circuitgrad.formulas.derivations import Derivation
    from circuitgrad.plans.cost import Cost
    from circuitgrad.plans.modes import JacobianCost
    from circuitgrad.plans.run import Run
    from circuitgrad.stability.forms import StableForm
    from circuitgrad.stability.measures import Accuracy
    from circuitgrad.structures.classification import Structure
    from circuitgrad.structures.compressed import SparseDerivative
    from circuitgrad.structures.operators import DerivativeOperator
    from circuitgrad.viz.figure import Figure

Choice: TypeAlias = "str | Wire | Sequence[str | Wire] | None"


class Faces:
    """The numbers, derivatives, formulas, code and pictures of a circuit."""

    # --- numbers ---------------------------------------------------------------------------------

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The outputs: one value for one output, else a dict by output name.

        Args:
            *values: Inputs by position.
            **named: Inputs by name.

        Raises:
            SpecError: An input missing, unknown or given twice.
            ShapeError: An array that does not fit its input.
        """
        return upper_layer("plans.evaluation").evaluate(self, values, named)

    def run(self, /, *values: Any, **named: Any) -> Run:
        """The forward pass with every value kept; `.backward()` follows."""
        run: Run = upper_layer("plans.run").Run(self, values, named)
        return run

    def cost(self, /, **sizes: int) -> Cost:
        """What one evaluation costs at these sizes: flops, bytes, memory; printed as a table.

        Args:
            **sizes: The size of every named axis, as `n=100`.

        Raises:
            SpecError: A named axis without a size; the message names it.
        """
        cost: Cost = upper_layer("plans.cost").circuit_cost(self, sizes)
        return cost

    # --- derivatives -----------------------------------------------------------------------------

    def grad(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The gradient of a scalar output, one output per input chosen."""
        result: Circuit = upper_layer("derivatives").grad(self, wrt, output)
        return result

    def jacobian(
        self, wrt: Choice = None, mode: str = "reverse", sizes: Mapping[str, int] | None = None
    ) -> Circuit:
        """The Jacobian: a matrix for a list of inputs, axes (output, input) for one input.

        Args:
            wrt: One input, or a list of them (all by default).
            mode: "reverse", "forward", "mixed", or "auto" for the one with the fewest operations.
            sizes: The sizes of named axes, for "mixed" and "auto".
        """
        if mode == "auto":
            mode = upper_layer("plans.modes").jacobian_cost(self, wrt, sizes or {}, "jacobian").best
        result: Circuit = upper_layer("derivatives").jacobian(self, wrt, mode, sizes)
        return result

    def jacobian_cost(self, wrt: Choice = None, /, **sizes: int) -> JacobianCost:
        """What the Jacobian costs in reverse, forward and mixed mode; printed as a table.

        Args:
            wrt: One input, or a list of them (all by default).
            **sizes: The size of every named axis, as `n=100`.
        """
        cost: JacobianCost = upper_layer("plans.modes").jacobian_cost(self, wrt, sizes)
        return cost

    def hessian(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The Hessian of a scalar output.

        A matrix for a list, axes (input, input) for one input.
        """
        result: Circuit = upper_layer("derivatives").hessian(self, wrt, output)
        return result

    def vjp(self, wrt: Choice = None) -> Circuit:
        """The pullback: inputs and upstream gradients to downstream gradients."""
        result: Circuit = upper_layer("derivatives").vjp(self, wrt)
        return result

    def jvp(self, wrt: Choice = None) -> Circuit:
        """The pushforward: inputs and tangents to the tangents of the outputs."""
        result: Circuit = upper_layer("derivatives").jvp(self, wrt)
        return result

    def hvp(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The Hessian-vector product: inputs and directions to H·direction."""
        result: Circuit = upper_layer("derivatives").hvp(self, wrt, output)
        return result

    def sparse_jacobian(self, wrt: Choice = None, output: str | None = None) -> SparseDerivative:
        """The Jacobian as a function of the inputs that returns scipy.sparse arrays.

        Rows are the entries of the outputs (of one of them, if it is named), columns those of the
        inputs chosen. Which entries can be other than zero is found from the circuit.
        """
        result: SparseDerivative = upper_layer("structures.compressed").sparse_jacobian(
            self, wrt, output
        )
        return result

    def sparse_hessian(self, wrt: Choice = None, output: str | None = None) -> SparseDerivative:
        """The Hessian of a scalar output as a function that returns scipy.sparse arrays."""
        result: SparseDerivative = upper_layer("structures.compressed").sparse_hessian(
            self, wrt, output
        )
        return result

    def taylor(self, order: int, wrt: Choice = None) -> Circuit:
        """The outputs f with their derivatives d1_f, d2_f, … along a direction, in one pass."""
        result: Circuit = upper_layer("series").taylor(self, order, wrt)
        return result

    # --- formulas, proofs, pictures --------------------------------------------------------------

    def sympy(self, **sizes: int) -> Any:
        """The closed form in SymPy: an expression, Matrix or Array.

        By output name if there are several.

        Args:
            **sizes: The size of every named axis, as `n=2`; entries become symbols x_0, x_1, …
        """
        result: Any = upper_layer("formulas.symbolic").circuit_expressions(self, sizes)
        return result

    def latex(self, **sizes: int) -> str:
        """The closed form as LaTeX, `f(x, y) = …`; several outputs as a bracketed list."""
        text: str = upper_layer("formulas.latex").circuit_latex(self, sizes)
        return text

    def matrix(self, layout: str | None = None, latex: bool = False) -> str:
        """The closed form for every size in matrix notation, a line for each output.

        Outputs of order 3 and up have none and are given in index notation, saying so.

        Args:
            layout: "numerator" or "denominator" for derivatives; by default gradients have the
                shape of the input (denominator), Jacobians the output's axes first (numerator).
            latex: LaTeX instead of text.

        Raises:
            SpecError: A gate that has no closed form for every size.
        """
        text: str = upper_layer("formulas.closed_forms").circuit_matrix(self, layout, latex)
        return text

    def index(self, layout: str | None = None, latex: bool = False) -> str:
        """The closed form for every size in index notation, a line for each output."""
        text: str = upper_layer("formulas.closed_forms").circuit_index(self, layout, latex)
        return text

    def derivation(self, wrt: str | Wire, output: str | None = None) -> Derivation:
        """The chain rule from a scalar output down to an input, step by step; `.latex()` too."""
        found: Derivation = upper_layer("formulas.derivations").derivation(self, wrt, output)
        return found

    # --- code ------------------------------------------------------------------------------------

    def numpy_source(self, name: str | None = None, derivatives: Choice = None) -> str:
        """The text of a Python module that computes the outputs and needs only NumPy.

        Its function takes the inputs by name and returns one output, or a dict of several.

        Args:
            name: The function's name; by default that of the output.
            derivatives: Inputs whose gradients are returned beside the value, as "w" or ["w"].

        Raises:
            SpecError: A gate that cannot be written with NumPy alone; a constant too large.
        """
        text: str = upper_layer("plans.source").numpy_source(self, name, derivatives)
        return text

    def to_jax(self) -> Callable[..., Any]:
        """The same function on JAX arrays, with this library's derivatives attached.

        It can be jitted and mapped, and differentiated in any mode and order; it computes in the
        dtype of its arguments (float64 needs JAX's `jax_enable_x64`).

        Raises:
            BackendError: JAX is not installed.
            SpecError: A gate that cannot be computed there.
        """
        function: Callable[..., Any] = upper_layer("plans.jax_functions").to_jax(self)
        return function

    def to_torch(self) -> Callable[..., Any]:
        """The same function on PyTorch tensors, with this library's derivatives attached.

        It computes in the dtype and on the device of its arguments, and can be differentiated
        again.

        Raises:
            BackendError: PyTorch is not installed.
            SpecError: A gate that cannot be computed there.
        """
        function: Callable[..., Any] = upper_layer("plans.torch_functions").to_torch(self)
        return function

    def accuracy(self, **ranges: Any) -> Accuracy:
        """The worst error over a range in ULP, against exact values, and where: `x=(-800, 800)`."""
        found: Accuracy = upper_layer("stability.measures").accuracy(self, **ranges)
        return found

    def stable(self, **ranges: Any) -> StableForm:
        """The numerically stable form, proved equal and measured; `.circuit` is the new circuit."""
        found: StableForm = upper_layer("stability.forms").stable(self, **ranges)
        return found

    def draw(self, **options: Any) -> Figure:
        """The figure of the circuit; values by input name give it numbers and gradients."""
        figure: Figure = upper_layer("viz.drawing").draw(self, **options)
        return figure

    # --- structure -------------------------------------------------------------------------------

    def structure(self, output: str | None = None) -> Structure:
        """What is known of a Jacobian's or Hessian's matrix for every size; prints well.

        Raises:
            SpecError: The circuit is no derivative, or has several outputs and none is named.
        """
        result: Structure = upper_layer("structures.assembly").structure(self, output)
        return result

    def operator(self, /, *values: Any, **named: Any) -> DerivativeOperator:
        """A Jacobian or Hessian at one point, as a linear operator of SciPy with its structure.

        Args:
            *values: Inputs by position.
            **named: Inputs by name.

        Raises:
            SpecError: The circuit is no derivative, or an input is missing or unknown.
            ShapeError: An array that does not fit its input.
        """
        result: DerivativeOperator = upper_layer("structures.assembly").operator(
            self, values, named
        )
        return result
