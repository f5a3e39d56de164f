"""Plans: reused buffers, the scalar fast path, long chains, wide fan-outs, threads."""

import math
import sys
import threading
import time

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.plans import schedule
from circuitgrad.plans.schedule import Plan
from tests.strategies import arrays, numbers, programs


@pytest.fixture(scope="module", autouse=True)
def small_arrays_too_are_written_over():
    """Plans make small arrays afresh; what may be written over is tested on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "LEAST_OVERWRITTEN", 0)
        yield


def eager(wires, values):
    """The value of every wire by its gate's kernel, one after the other, nothing reused."""
    found = {wire.serial: np.array(value) for wire, value in values.items()}
    for wire in wires:
        if wire.serial not in found:
            inputs = [found[source.serial].copy() for source in wire.inputs]
            kernel = wire.gate.kernel(tuple(a.shape for a in inputs), wire.shape, wire.dtype)
            found[wire.serial] = np.array(kernel(*inputs))
    return found


class TestBuffers:
    @settings(max_examples=60)
    @given(programs(max_steps=12), st.data())
    def test_a_plan_gives_what_the_gates_give_one_by_one(self, program, data):
        shapes = [
            data.draw(st.sampled_from([(), (2, 3), (3,), (1, 3), (2, 1)])) for _ in program.names
        ]
        values = [data.draw(arrays(shape, 1.0)) for shape in shapes]
        inputs = [cg.input(n, shape) for n, shape in zip(program.names, shapes, strict=True)]
        outputs = program.wires(inputs)
        c = cg.circuit(inputs=inputs, f=outputs[-1], g=outputs[len(outputs) // 2])
        copies = [v.copy() for v in values]
        with np.errstate(all="ignore"):
            found, kept = c(*values), c.run(*values)
            expected = eager(c.wires, dict(zip(inputs, values, strict=True)))
            again = c(*values)
        for name, wire in zip(c.output_names, c.outputs, strict=True):
            npt.assert_allclose(found[name], expected[wire.serial], rtol=1e-15)
            npt.assert_array_equal(again[name], found[name])
        for wire in c.wires:
            npt.assert_allclose(kept[wire].value, expected[wire.serial], rtol=1e-15)
        for value, copy in zip(values, copies, strict=True):
            npt.assert_array_equal(value, copy)

    @settings(max_examples=40)
    @given(programs(max_inputs=2, max_steps=8), st.data())
    def test_the_plan_of_a_gradient_gives_what_its_gates_give(self, program, data):
        values = [data.draw(arrays((2, 3), 1.0)) for _ in program.names]
        inputs = cg.inputs(program.names, (2, 3))
        c = cg.circuit(f=np.sum(program.wires(inputs)[-1] ** 2), inputs=inputs)
        copies = [v.copy() for v in values]
        with np.errstate(all="ignore"):
            gradient = c.grad()
            found = gradient(*values)
            found = found if isinstance(found, dict) else {gradient.output_names[0]: found}
            expected = eager(gradient.wires, dict(zip(inputs, values, strict=True)))
            kept = c.run(*values).backward()
        for name, wire, source in zip(gradient.output_names, gradient.outputs, inputs, strict=True):
            npt.assert_allclose(found[name], expected[wire.serial], rtol=1e-13, atol=1e-300)
            npt.assert_allclose(kept[source.label], found[name], rtol=1e-12, atol=1e-12)
        for value, copy in zip(values, copies, strict=True):
            npt.assert_array_equal(value, copy)

    def test_views_of_inputs_are_never_written(self):
        x = cg.input("x", (2, 3))
        for f in (
            x.T + 1,
            np.exp(x.reshape(6)),
            x[0] * 2,
            -np.diagonal(x @ x.T),
            np.exp(x[:, ::-1].T),
        ):
            value = np.arange(6.0).reshape(2, 3)
            cg.circuit(f=f)(value)
            cg.circuit(f=f).jacobian("x")(value)
            npt.assert_array_equal(value, np.arange(6.0).reshape(2, 3))

    def test_views_of_intermediate_values_stay_valid(self):
        """A transpose of a value that is read again later."""
        x = cg.input("x", (3, 3))
        first = np.exp(x)
        view = first.T
        c = cg.circuit(f=(first * 2 + 1) * view, g=view)
        value = np.arange(9.0).reshape(3, 3) / 9
        e = np.exp(value)
        found = c(value)
        npt.assert_allclose(found["f"], (2 * e + 1) * e.T, rtol=1e-15)
        npt.assert_allclose(found["g"], e.T, rtol=1e-15)

    def test_results_belong_to_the_caller(self):
        x, y = cg.input("x", 3), cg.input("y", 3)
        c = cg.circuit(f=x, g=x * y, h=x * y, k=cg.constant([1.0, 2.0]), t=np.sum(x) + 0 * y)
        a, b = np.arange(3.0), np.ones(3)
        first = c(a, b)
        for value in first.values():
            value += 99
        second = c(a, b)
        npt.assert_array_equal(a, np.arange(3.0))
        npt.assert_array_equal(second["f"], [0, 1, 2])
        npt.assert_array_equal(second["h"], [0, 1, 2])
        npt.assert_array_equal(second["k"], [1, 2])
        npt.assert_array_equal(first["g"], [99, 100, 101])

    def test_a_run_keeps_its_numbers_when_the_callers_array_changes(self):
        x = cg.input("x", 3)
        value = np.array([1.0, 2.0, 3.0])
        run = cg.circuit(f=np.sum(x**2)).run(x=value)
        value[:] = 0
        npt.assert_array_equal(run["x"].value, [1, 2, 3])
        npt.assert_array_equal(run.backward()["x"], [2, 4, 6])

    def test_read_only_and_strided_inputs(self):
        x = cg.input("x", 3)
        c = cg.circuit(f=np.exp(x) * x + 1)
        value = np.arange(6.0)[::2]
        value.flags.writeable = False
        npt.assert_allclose(c(value), np.exp(value) * value + 1, rtol=1e-15)
        table = np.broadcast_to(2.0, 3)
        npt.assert_allclose(c(table), np.exp(table) * table + 1, rtol=1e-15)

    def test_buffers_are_reused(self):
        x = cg.input("x", "n")
        f = x
        for _ in range(50):
            f = np.tanh(f * 1.5 + 0.25)
        c = cg.circuit(f=f)
        assert len(Plan(c.inputs, c.outputs, {"n": 4})._initial) < 10

    def test_one_plan_per_sizes(self):
        x = cg.input("x", "n")
        c = cg.circuit(f=np.sum(x * x))
        for n in (2, 3, 2):
            assert c(x=np.ones(n)) == n
        assert len(c._plans) == 2


class TestScalars:
    """Python floats where all is scalar, and NumPy's answers all the same."""

    @settings(max_examples=60)
    @given(programs(), st.data())
    def test_the_fast_path_is_the_array_path(self, program, data):
        point = data.draw(st.lists(numbers(3.0), min_size=program.count, max_size=program.count))
        arrays_of_one = [np.array([v]) for v in point]
        inputs = cg.inputs(program.names, 1)
        slow = cg.circuit(f=program.wires(inputs)[-1], inputs=inputs)
        with np.errstate(all="ignore"):
            found, expected = program.circuit()(*point), slow(*arrays_of_one)[0]
        assume(abs(expected) < 1e200)
        npt.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)

    @pytest.mark.parametrize(
        "value", [710.0, -745.2, 0.0, -0.0, -1.0, 1e308, math.inf, -math.inf, math.nan]
    )
    @pytest.mark.parametrize(
        "function",
        [np.exp, np.log, np.sqrt, np.sinh, np.cosh, np.tanh, np.arcsin, np.arctan, np.log1p,
         np.expm1, np.sin,
         lambda x: 1 / x, lambda x: x**-3, lambda x: x**3, lambda x: 2**x, lambda x: x**0.5,
         lambda x: x / x,
         lambda x: 0 / x, lambda x: x - x, np.sign, np.abs, lambda x: np.maximum(x, 1.0),
         lambda x: np.minimum(1.0, x), lambda x: np.where(x > 0, x, 1.0),
         lambda x: np.clip(x, -1.0, 1.0),
         lambda x: np.logaddexp(x, 1.0), lambda x: np.hypot(x, 3.0), lambda x: np.arctan2(x, -1.0),
         np.square,
         lambda x: np.exp(x) - np.exp(x), lambda x: x**x],
    )  # fmt: skip
    def test_overflow_division_by_zero_and_nan_are_numpys(self, function, value):
        scalar, vector = cg.input("x"), cg.input("x", 1)
        with np.errstate(all="ignore"):
            expected = function(np.array([value]))[0]
            found = cg.circuit(f=function(scalar))(value)
            by_array = cg.circuit(f=function(vector))([value])[0]
        npt.assert_allclose(found, expected, rtol=2e-15)
        npt.assert_allclose(by_array, expected, rtol=2e-15)
        assert isinstance(found, float)
        if expected == 0:
            assert math.copysign(1, found) == math.copysign(1, expected)

    def test_gradients_through_infinity_are_numpys(self):
        x = cg.input("x")
        c = cg.circuit(f=1 / (1 + np.exp(-x)))
        with np.errstate(all="ignore"):
            assert c(x=-1000.0) == 0.0
            assert np.isnan(c.grad("x")(x=-1000.0)) or c.grad("x")(x=-1000.0) == 0.0
        assert cg.circuit(f=cg.sigmoid(x)).grad("x")(x=-1000.0) == 0.0

    def test_constants_too_leave_the_fast_path(self):
        """1/0 beside gates whose kernels need arrays, fed by constants."""
        x, y = cg.inputs("x y")
        c = cg.circuit(f=np.maximum(x, 0.5) + np.where(cg.constant(1.0) > y, 2.0, 3.0) / y)
        with np.errstate(all="ignore"):
            assert c(x=1.0, y=0.0) == math.inf
            assert c.grad("x")(x=0.5, y=0.0) == 0.5
            elu = cg.circuit(f=cg.elu(x) / y)
            assert elu.grad("x")(x=0.0, y=0.0) == math.inf

    def test_numpys_warnings_are_the_users_choice(self):
        c = cg.circuit(f=1 / cg.input("x"))
        with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
            c(x=0.0)

    def test_results_are_floats(self):
        x, y = cg.inputs("x y")
        found = cg.circuit(f=x * y, g=np.sin(x), h=x, k=cg.constant(3)).run(2, np.float64(3))
        for name in "fghk":
            assert type(found[name].value) is float


CHAIN = 100_000


@pytest.fixture(scope="module")
def chain():
    """100,000 gates, one after the other: f + w sin(f)/100000, again and again."""
    x, w = cg.inputs("x w")
    f = x
    for _ in range(CHAIN // 4):
        f = f + np.sin(f) * w * 1e-5
    return cg.circuit(f=f)


@pytest.fixture(scope="module")
def chain_numbers():
    """The chain's value and derivatives, by plain floats."""
    x, w = 0.5, 0.75
    f, by_x, by_w = x, 1.0, 0.0
    for _ in range(CHAIN // 4):
        slope = 1 + math.cos(f) * w * 1e-5
        by_x, by_w = slope * by_x, slope * by_w + math.sin(f) * 1e-5
        f = f + math.sin(f) * w * 1e-5
    return f, by_x, by_w


class TestSize:
    def test_the_chain_is_as_long_as_it_says(self, chain):
        assert sum(1 for wire in chain.wires if wire.inputs) == CHAIN > 50 * sys.getrecursionlimit()

    def test_call_and_run(self, chain, chain_numbers):
        start = time.perf_counter()
        assert chain(0.5, 0.75) == pytest.approx(chain_numbers[0], rel=1e-12)
        assert chain.run(0.5, 0.75)["f"].value == pytest.approx(chain_numbers[0], rel=1e-12)
        assert time.perf_counter() - start < 20

    def test_gradient_circuit(self, chain, chain_numbers):
        found = chain.grad()(0.5, 0.75)
        npt.assert_allclose(list(found.values()), chain_numbers[1:], rtol=1e-9)

    def test_backward(self, chain, chain_numbers):
        run = chain.run(0.5, 0.75)
        found = run.backward()
        npt.assert_allclose([found["x"], found["w"]], chain_numbers[1:], rtol=1e-9)
        assert len(run.edges()) > CHAIN

    def test_forward_mode(self, chain, chain_numbers):
        assert chain.jvp("w")(0.5, 0.75, 1.0) == pytest.approx(chain_numbers[2], rel=1e-9)

    def test_str_and_repr_are_short(self, chain):
        assert repr(chain) == "<Circuit (x, w) -> f: 100000 gates>"
        assert str(chain) == repr(chain)
        assert len(repr(chain.outputs[0])) < 200

    @pytest.mark.parametrize("face", ["sympy", "latex"])
    def test_closed_forms_are_refused_clearly(self, chain, face):
        with pytest.raises(cg.SpecError, match=r"more than 20000 parts.*smaller circuit"):
            getattr(chain, face)()

    def test_a_chain_is_taken_apart_without_recursion(self):
        f = cg.input("x")
        for _ in range(CHAIN):
            f = f + 1.5
        del f

    def test_tracing_a_long_loop(self):
        def f(x):
            for _ in range(20_000):
                x = x * 0.999 + 0.001
            return x

        assert cg.grad(f)(2.0) == pytest.approx(0.999**20_000, rel=1e-10)

    def test_a_wide_fan_out(self):
        """Σ k/n·tanh x: one wire with 50,000 readers."""
        count = 50_000
        x = cg.input("x")
        root = np.tanh(x)
        parts = [root * (k / count) for k in range(count)]
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=False)
            parts = [a + b for a, b in pairs] + parts[len(parts) & ~1 :]
        c = cg.circuit(f=parts[0])
        total, expected = (count - 1) / 2, (count - 1) / 2 / math.cosh(0.4) ** 2
        assert c(x=0.4) == pytest.approx(total * math.tanh(0.4), rel=1e-12)
        assert c.run(x=0.4).backward()["x"] == pytest.approx(expected, rel=1e-12)
        assert c.grad("x")(x=0.4) == pytest.approx(expected, rel=1e-12)

    def test_a_sum_written_as_a_long_line(self):
        x = cg.input("x")
        f = sum(((x * float(k)) for k in range(3000)), cg.constant(0.0))
        assert cg.circuit(f=f).grad("x")(x=1.0) == sum(range(3000))

    def test_repeated_squaring_shares_instead_of_growing(self):
        f = cg.input("x")
        for _ in range(60):
            f = f * f
        c = cg.circuit(f=f)
        assert c.grad("x")(x=1.0) == pytest.approx(2.0**60)
        with pytest.raises(cg.SpecError, match="parts"):
            c.sympy()


class TestThreads:
    def test_one_circuit_in_several_threads(self):
        W, x = cg.input("W", "m n"), cg.input("x", "n")
        c = cg.circuit(f=np.sum(np.tanh(W @ np.tanh(x)) ** 2))
        gradient = c.grad("x")
        wrong = []

        def work(seed):
            random = np.random.default_rng(seed)
            for _ in range(40):
                m, n = random.integers(1, 5, 2)
                a, b = random.normal(size=(m, n)), random.normal(size=n)
                value = np.sum(np.tanh(a @ np.tanh(b)) ** 2)
                slope = (
                    2 * np.tanh(a @ np.tanh(b)) / np.cosh(a @ np.tanh(b)) ** 2 @ a / np.cosh(b) ** 2
                )
                kept = c.run(a, b).backward()["x"]
                if not (
                    np.isclose(c(W=a, x=b), value)
                    and np.allclose(gradient(W=a, x=b), slope)
                    and np.allclose(kept, slope)
                ):
                    wrong.append((seed, a, b))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []

    def test_wires_built_in_several_threads_are_shared(self):
        x = cg.input("x")
        built = []

        def work():
            f = x
            for k in range(2000):
                f = f * 1.5 + float(k)
            built.append(f)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({cg.circuit(f=wire)(x=1e-300) for wire in built}) == 1
        assert all(wire is built[0] for wire in built)

    def test_scopes_belong_to_a_thread(self):
        x = cg.input("x")
        seen = []
        with cg.scope("outer"):
            thread = threading.Thread(target=lambda: seen.append((x * 77).scope))
            thread.start()
            thread.join()
        assert seen == [""]
