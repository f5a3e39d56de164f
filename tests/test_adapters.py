"""Backward passes of PyTorch and JAX: proved, refuted with the slip, or tried and said so.

The tests that need the frameworks run with `make peers`.
"""

import importlib
import math

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.proofs.verdicts import Status

peers = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]
REQUIREMENTS = {"torch": cg.check_torch_function, "jax": cg.check_jax_vjp}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_missing_framework_is_named_with_its_extra(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(cg.BackendError, match=rf"check_.*: {name} is not installed.*\[{name}\]"):
        REQUIREMENTS[name](object(), 1.0)


@pytest.fixture
def torch():
    return importlib.import_module("torch")


@pytest.fixture
def draw(torch):
    generator = torch.Generator().manual_seed(3)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)


def torch_function(torch, forward, backward, name="Own"):
    """A class whose forward pass saves its tensors, the result among them."""

    def run(ctx, *inputs):
        out, *saved = forward(*inputs)
        ctx.save_for_backward(*saved)
        return out

    def back(ctx, grad):
        return backward(grad, *ctx.saved_tensors)

    members = {"forward": staticmethod(run), "backward": staticmethod(back)}
    return type(name, (torch.autograd.Function,), members)


# --- PyTorch --------------------------------------------------------------------------------------
class TestTorch:
    pytestmark = peers

    def test_a_softmax_that_subtracts_the_largest_is_proved_for_every_size(self, torch, draw):
        class Softmax(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, dim):
                e = torch.exp(x - x.max(dim=dim, keepdim=True).values)
                y = e / e.sum(dim=dim, keepdim=True)
                ctx.save_for_backward(y)
                ctx.dim = dim
                return y

            @staticmethod
            def backward(ctx, g):
                (y,) = ctx.saved_tensors
                return y * (g - (g * y).sum(ctx.dim, keepdim=True)), None

        check = cg.check_torch_function(Softmax, draw(2, 3), -1, x="m n")
        assert check.proved
        assert "for every m, n" in str(check)

        class WrongAxis(Softmax):
            @staticmethod
            def backward(ctx, g):
                (y,) = ctx.saved_tensors
                return y * (g - (g * y).sum(0, keepdim=True)), None

        assert cg.check_torch_function(WrongAxis, draw(2, 3), -1, x="m n").refuted

    @pytest.mark.parametrize(("factor", "status"), [(1.0, "proved"), (0.999, "refuted")])
    def test_a_tanh_off_by_a_thousandth_is_refuted(self, torch, draw, factor, status):
        function = torch_function(
            torch,
            lambda argument0: (torch.tanh(argument0), torch.tanh(argument0)),
            lambda g, y: factor * g * (1 - y**2),
        )
        check = cg.check_torch_function(function, draw(3), argument0="n")
        assert check.status.value == status
        assert ("999/1000 × the right answer" in str(check)) is (status == "refuted")

    def test_gelu_with_its_constants_is_proved_and_without_a_term_refuted(self, torch, draw):
        def forward(x):
            return torch.nn.functional.gelu(x), x

        def density(x):
            return torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)

        def cumulated(x):
            return 0.5 * (1 + torch.erf(x / math.sqrt(2)))

        right = torch_function(torch, forward, lambda g, x: g * (cumulated(x) + x * density(x)))
        wrong = torch_function(torch, forward, lambda g, x: g * cumulated(x))
        assert cg.check_torch_function(right, draw(3), argument0="n").proved
        check = cg.check_torch_function(wrong, draw(3), argument0="n")
        assert check.refuted
        assert "drops the term" in str(check)

    @pytest.mark.parametrize("is_right", [True, False])
    def test_a_batch_norm_needs_all_of_its_terms(self, torch, draw, is_right):
        class BatchNorm(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, gamma, beta, eps):
                inverse = 1 / torch.sqrt(x.var(0, unbiased=False) + eps)
                normal = (x - x.mean(0)) * inverse
                ctx.save_for_backward(normal, gamma, inverse)
                return gamma * normal + beta

            @staticmethod
            def backward(ctx, g):
                normal, gamma, inverse = ctx.saved_tensors
                n, d = g.shape[0], g * gamma
                dx = n * d - d.sum(0)
                if is_right:
                    dx = dx - normal * (d * normal).sum(0)
                return inverse / n * dx, (g * normal).sum(0), g.sum(0), None

        check = cg.check_torch_function(
            BatchNorm, draw(3, 2), draw(2), draw(2), 1e-5, x="m n", gamma="n", beta="n"
        )
        assert check.status is (Status.PROVED if is_right else Status.REFUTED)
        assert check.traced.verdicts["gamma"].proved
        assert check.numeric.passed is is_right

    def test_setup_context_and_needs_input_grad_are_understood(self, torch, draw):
        class Linear(torch.autograd.Function):
            @staticmethod
            def forward(x, weight, bias):
                return x.mm(weight.t()) + bias.unsqueeze(0).expand(x.shape[0], -1)

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx, g):
                x, weight, _ = ctx.saved_tensors
                dx = g.mm(weight) if ctx.needs_input_grad[0] else None
                return dx, g.t().mm(x), g.sum(0)

        check = cg.check_torch_function(
            Linear, draw(3, 2), draw(4, 2), draw(4), x="b n", weight="k n", bias="k"
        )
        assert check.proved

    def test_a_mask_that_is_written_is_proved(self, torch, draw):
        def backward(g, x):
            found = g.clone()
            found[x < 0] = 0
            return found

        function = torch_function(torch, lambda x: (x.clamp(min=0), x), backward)
        check = cg.check_torch_function(function, draw(4), argument0="n")
        assert check.proved

    def test_several_outputs_have_an_upstream_gradient_each(self, torch, draw):
        class Pair(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x.sin(), x.cos()

            @staticmethod
            def backward(ctx, first, second):
                (x,) = ctx.saved_tensors
                return first * x.cos() - second * x.sin()

        assert cg.check_torch_function(Pair, draw(3), x="n").proved

    @pytest.mark.parametrize("factor", [1.0, 1.001])
    def test_code_that_decides_by_values_is_tried_and_the_record_says_so(self, torch, draw, factor):
        def forward(x):
            return (torch.tanh(x) if x.sum() < 100 else x), torch.tanh(x)

        function = torch_function(torch, forward, lambda g, y: factor * g * (1 - y * y))
        check = cg.check_torch_function(function, draw(3), argument0="n")
        assert check.status is Status.UNDECIDED
        assert check.traced is None
        assert "decides by the values" in check.reason
        assert "numerically" in str(check)
        assert check.passed is (factor == 1.0)
        with pytest.raises(cg.ProofError, match="undecided"):
            check.require()

    def test_a_tensor_that_is_shared_is_not_written(self, torch, draw):
        def backward(g, x):
            flat = g.view(-1)
            flat.mul_(2)
            return g

        function = torch_function(torch, lambda x: (2 * x, x), backward)
        assert cg.check_torch_function(function, draw(3), argument0="n").traced is None

    def test_bad_input_is_told(self, torch, draw):
        function = torch_function(torch, lambda x: (x * 2, x), lambda g, x: 2 * g)
        with pytest.raises(cg.SpecError, match="subclass of"):
            cg.check_torch_function(torch.tanh, draw(3))
        with pytest.raises(cg.SpecError, match="no floating-point tensor"):
            cg.check_torch_function(function, 3)
        with pytest.raises(cg.SpecError, match="'y' is no input"):
            cg.check_torch_function(function, draw(3), y="n")
        with pytest.raises(cg.ShapeError):
            cg.check_torch_function(function, draw(3), argument0="m n")


# --- JAX ------------------------------------------------------------------------------------------
@pytest.fixture
def jax():
    return importlib.import_module("jax")


def with_vjp(jax, function, forward, backward, **options):
    made = jax.custom_vjp(function, **options)
    made.defvjp(forward, backward)
    return made


def numbers(*shape):
    return np.random.default_rng(7).normal(size=shape)


class TestJax:
    pytestmark = peers

    @pytest.mark.parametrize(("sign", "status"), [(1, "proved"), (-1, "refuted")])
    def test_the_example_of_the_documentation(self, jax, sign, status):
        np_ = jax.numpy
        f = with_vjp(
            jax,
            lambda x, y: np_.sin(x) * y,
            lambda x, y: (np_.sin(x) * y, (np_.cos(x), np_.sin(x), y)),
            lambda saved, g: (sign * saved[0] * g * saved[2], saved[1] * g),
        )
        assert cg.check_jax_vjp(f, 0.3, 0.5).status.value == status
        check = cg.check_jax_vjp(f, numbers(3), numbers(3), x="n", y="n")
        assert check.status.value == status
        assert check.traced.verdicts["y"].proved
        assert ("−1 × the right answer" in str(check)) is (sign < 0)

    def test_clipping_a_gradient_is_no_derivative(self, jax):
        f = with_vjp(
            jax,
            lambda low, high, x: x,
            lambda low, high, x: (x, (low, high)),
            lambda saved, g: (None, None, jax.numpy.clip(g, *saved)),
        )
        check = cg.check_jax_vjp(f, -1.0, 1.0, numbers(3), x="n")
        assert check.refuted
        assert [v.proved for v in check.traced.verdicts.values()] == [True, True, False]

    def test_log_of_a_sum_of_exponentials(self, jax):
        np_ = jax.numpy

        def f(x):
            return np_.log(np_.sum(np_.exp(x)))

        right = with_vjp(
            jax, f, lambda x: (f(x), x), lambda x, g: (g * np_.exp(x) / np_.sum(np_.exp(x)),)
        )
        wrong = with_vjp(jax, f, lambda x: (f(x), x), lambda x, g: (g * np_.exp(x),))
        assert cg.check_jax_vjp(right, numbers(3), x="n").proved
        check = cg.check_jax_vjp(wrong, numbers(3), x="n")
        assert check.refuted
        assert "lacks the factor" in str(check)

    def test_their_own_functions_are_read_through(self, jax):
        softmax, relu = jax.nn.softmax, jax.nn.relu
        f = with_vjp(
            jax,
            softmax,
            lambda x: (softmax(x), softmax(x)),
            lambda p, g: (p * (g - (g * p).sum(-1, keepdims=True)),),
        )
        assert cg.check_jax_vjp(f, numbers(2, 3), x="m n").proved
        f = with_vjp(
            jax, lambda x: relu(x), lambda x: (relu(x), x),
            lambda x, g: (jax.numpy.where(x > 0, g, 0),),
        )  # fmt: skip
        assert cg.check_jax_vjp(f, numbers(3), x="n").proved

    def test_a_mean_of_squares_over_named_axes(self, jax):
        np_ = jax.numpy

        def loss(W, x, y):
            return np_.mean((W @ x - y) ** 2)

        def backward(saved, g, count=True):
            W, x, y = saved
            r = 2 * g * (W @ x - y) / (y.shape[0] if count else 1)
            return np_.outer(r, x), W.T @ r, -r

        arguments = numbers(2, 3), numbers(3), numbers(2)
        axes = {"W": "m n", "x": "n", "y": "m"}
        right = with_vjp(jax, loss, lambda *a: (loss(*a), a), backward)
        assert cg.check_jax_vjp(right, *arguments, **axes).proved
        wrong = with_vjp(jax, loss, lambda *a: (loss(*a), a), lambda s, g: backward(s, g, False))
        assert cg.check_jax_vjp(wrong, *arguments, **axes).refuted

    def test_fixed_arguments_are_passed_on(self, jax):
        f = jax.custom_vjp(lambda p, x: x**p, nondiff_argnums=(0,))
        f.defvjp(lambda p, x: (x**p, x), lambda p, x, g: (g * p * x ** (p - 1),))
        assert cg.check_jax_vjp(f, 3, numbers(3), x="n").proved

    def test_a_primitive_without_counterpart_is_tried_numerically(self, jax):
        f = with_vjp(
            jax,
            lambda x: jax.scipy.special.i0e(x) * jax.numpy.exp(abs(x)),
            lambda x: (jax.scipy.special.i0e(x) * jax.numpy.exp(abs(x)), x),
            lambda x, g: (g * jax.scipy.special.i1e(x) * jax.numpy.exp(abs(x)),),
        )
        check = cg.check_jax_vjp(f, np.array([0.5, 1.5]), x="n")
        assert check.status is Status.UNDECIDED
        assert "primitive 'bessel_i0e'" in check.reason
        assert check.passed

    def test_bad_input_is_told(self, jax):
        with pytest.raises(cg.SpecError, match=r"jax\.custom_vjp"):
            cg.check_jax_vjp(np.sin, 1.0)
        bare = jax.custom_vjp(lambda x: x)
        with pytest.raises(cg.SpecError, match="defvjp"):
            cg.check_jax_vjp(bare, 1.0)
