"""Contractions: their order and kernels, and plans that keep products apart as factors."""

import itertools

import numpy as np
import opt_einsum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.gates.contraction_kernels import contraction_kernel
from circuitgrad.gates.contraction_order import contraction_flops, pairwise_order
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.plans import schedule
from circuitgrad.plans.evaluation import plan_of

# --- the order ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def small_arrays_too_are_written_over():
    """Plans make small arrays afresh; what may be written over is tested on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "LEAST_OVERWRITTEN", 0)
        yield


def chain(dimensions):
    """The letters and sizes of a product of matrices."""
    letters = "abcdefghijklmnop"[: len(dimensions)]
    terms = [x + y for x, y in itertools.pairwise(letters)]
    return terms, letters[0] + letters[-1], dict(zip(letters, dimensions, strict=True))


def test_the_textbook_matrix_chain():
    # Cormen, Leiserson, Rivest & Stein, Introduction to Algorithms, section 15.2 (3rd edition).
    terms, output, sizes = chain([30, 35, 15, 5, 10, 20, 25])
    assert contraction_flops(terms, output, sizes) == 2 * 15_125


def best_chain(dimensions):
    """The least number of multiplications, by the recurrence over all ways to put brackets."""
    count = len(dimensions) - 1
    least = {(i, i): 0 for i in range(count)}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length - 1
            least[i, j] = min(
                least[i, k]
                + least[k + 1, j]
                + dimensions[i] * dimensions[k + 1] * dimensions[j + 1]
                for k in range(i, j)
            )
    return least[0, count - 1]


@pytest.mark.parametrize("count", [2, 3, 5, 6, 9, 12])
def test_chains_of_matrices_are_multiplied_in_the_best_order(count):
    rng = np.random.default_rng(count)
    dimensions = [int(n) for n in rng.integers(2, 60, count + 1)]
    terms, output, sizes = chain(dimensions)
    assert contraction_flops(terms, output, sizes) == 2 * best_chain(dimensions)


@pytest.mark.parametrize(
    "subscripts",
    ["ab,bc,cd->ad", "ab,a,ac->bc", "abc,cd,bd->a", "ab,ac,ad,ae->bcde", "ab,bc,ca->", "a,ab,b->"],
)
def test_the_order_is_as_good_as_the_optimal_path(subscripts):
    terms, _, output = subscripts.partition("->")
    operands = terms.split(",")
    rng = np.random.default_rng(len(subscripts))
    for _ in range(5):
        sizes = {x: int(rng.integers(2, 30)) for x in "abcde"}
        shapes = [tuple(sizes[x] for x in term) for term in operands]
        best = opt_einsum.contract_path(subscripts, *shapes, shapes=True, optimize="optimal")[1]
        ours = sum(
            opt_einsum.helpers.flop_count(
                set(left) | set(right), bool((set(left) | set(right)) - set(result)), 2, sizes
            )
            for left, right, result in steps(operands, output, sizes)
        )
        assert ours == best.opt_cost


def steps(operands, output, sizes):
    """The operands and result of each pair of an order."""
    listed = list(operands)
    for first, second, result in pairwise_order(operands, output, sizes):
        right, left = listed.pop(second), listed.pop(first)
        yield left, right, result
        listed.append("".join(result))


@st.composite
def contractions(draw):
    """Random subscripts with their sizes: letters repeated in an operand, sizes 0 and 1 too."""
    letters = "abcdef"[: draw(st.integers(1, 6))]
    sizes = {x: draw(st.sampled_from([0, 1, 1, 2, 3, 4])) for x in letters}
    term = st.text(st.sampled_from(letters), max_size=3)
    terms = draw(st.lists(term, min_size=1, max_size=5))
    used = sorted(set("".join(terms)))
    output = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    return terms, output, sizes


@settings(max_examples=300, deadline=None)
@given(contractions(), st.integers(0, 2**32 - 1))
def test_kernels_are_einsum(contraction, seed):
    terms, output, sizes = contraction
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal([sizes[x] for x in term]) for term in terms]
    used = {x: sizes[x] for x in set("".join(terms))}
    kernel = contraction_kernel(tuple(terms), output, used, np.dtype(np.float64))
    expected = np.einsum(f"{','.join(terms)}->{output}", *arrays)
    found = kernel(*arrays)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weights", [[0.0, 1.0, 2.0], [-1.0, 1.0, 2.0], [np.nan, 1.0, 2.0]])
@pytest.mark.parametrize("subscripts", ["a,ab,ac->bc", "a,ab,ac->cb", "a,ba,ca->bc"])
def test_a_weighted_square_is_right_for_weights_of_every_sign(weights, subscripts):
    a = np.arange(9.0).reshape(3, 3) - 4
    terms, _, output = subscripts.partition("->")
    kernel = contraction_kernel(tuple(terms.split(",")), output, dict.fromkeys("abc", 3), a.dtype)
    d = np.array(weights)
    np.testing.assert_allclose(kernel(d, a, a), np.einsum(subscripts, d, a, a), rtol=1e-13)


# --- plans ----------------------------------------------------------------------------------------


def factoring_cases():
    """Circuits whose derivatives have outer products, broadcasts and deltas inside."""
    X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    yield cg.circuit(np.sum(np.logaddexp(0.0, -y * (X @ w))), inputs=[w, X, y]), "w"
    T, U, V = cg.input("T", "m n"), cg.input("U", "m k"), cg.input("V", "n k")
    yield cg.circuit(np.sum((T - U @ V.T) ** 2), inputs=[U, T, V]), "U"
    W = cg.input("W", "n k")
    yield cg.circuit(np.sum(cg.logsumexp(X @ W, axis=1)), inputs=[W, X]), "W"
    A, x = cg.input("A", "n n"), cg.input("x", "n")
    yield cg.circuit(cg.logsumexp(A @ np.tanh(A @ np.tanh(A @ x))), inputs=[A, x]), "A"
    yield cg.circuit((x @ A @ x) ** 2, inputs=[x, A]), "x"
    yield cg.circuit(np.sum(np.outer(x, w) * (X.T @ X)), inputs=[x, w, X]), "x"
    yield cg.circuit(np.sum(np.tanh(x) / (1 + np.sum(x * x))), inputs=[x]), "x"


@pytest.mark.parametrize("sizes", [dict(m=4, n=3, k=2), dict(m=1, n=1, k=1), dict(m=0, n=2, k=3)])
@pytest.mark.parametrize("case", list(factoring_cases()), ids=lambda case: str(case[1]))
def test_plans_agree_with_the_evaluation_gate_by_gate(case, sizes):
    circuit, wrt = case
    rng = np.random.default_rng(5)
    arrays = [rng.standard_normal([sizes[a] for a in wire.shape]) for wire in circuit.inputs]
    for derivative in (circuit.grad(wrt), circuit.hessian(wrt)):
        kept = derivative.run(*arrays)[derivative.output_names[0]].value
        np.testing.assert_allclose(derivative(*arrays), kept, rtol=1e-11, atol=1e-13)


def test_a_result_is_the_callers_own():
    x, c = cg.input("x", (2, 2)), cg.constant([[5.0, 6.0], [7.0, 8.0]])
    values = np.arange(4.0).reshape(2, 2)
    outputs = [x.T, x.reshape(4), x[0], x * 1.0, c.T, x @ c, (x @ c).T, x + c.T]
    circuit = cg.circuit(*outputs, inputs=[x])
    expected = [result.copy() for result in circuit(values).values()]
    for result in circuit(values).values():
        result[...] = -1
    np.testing.assert_array_equal(values, [[0, 1], [2, 3]])
    for result, before in zip(circuit(values).values(), expected, strict=True):
        np.testing.assert_array_equal(result, before)


def test_differences_are_never_multiplied_out():
    # The squares of differences of 1, 2 and 3 are exact; as a² - 2ab + b² they would be lost.
    x, w = cg.input("x", "n"), cg.input("w", "n")
    d = x[:, None] - x[None, :]
    circuit = cg.circuit(s=(d * d) @ w, t=np.sum(d * w, axis=1), inputs=[x, w])
    found = circuit(1e9 + np.array([0.0, 1.0, 3.0]), np.ones(3))
    np.testing.assert_array_equal(found["s"], [10, 5, 13])
    np.testing.assert_array_equal(found["t"], [-4, -1, 5])


def random_program(rng):
    """Contractions with deltas and ones, sums, differences and products, in random order."""
    letters = {"i": "ab", "j": "cd", "k": "ef"}
    axis_of = {x: axis for axis, pair in letters.items() for x in pair}
    shapes = [("i",), ("j", "k"), tuple(map(str, rng.permutation(list("ijk"))[: rng.integers(3)]))]
    inputs = [cg.input(f"x{k}", shape) for k, shape in enumerate(shapes)]
    wires = list(inputs)
    for _ in range(rng.integers(3, 10)):
        last = wires[-1 - rng.integers(min(3, len(wires)))]
        kind = rng.integers(8)
        if kind < 2:
            wires.append(-last if kind else np.tanh(last) * 2.0)
        elif kind < 5:
            other = next(wire for wire in wires if wire.shape == last.shape)
            wires.append([last + other, last - other, last * other][kind - 2])
        else:
            operands = [last, *(wires[rng.integers(len(wires))] for _ in range(rng.integers(3)))]
            terms = ["".join(rng.choice(list(letters[a])) for a in w.shape) for w in operands]
            used = sorted(set("".join(terms)))
            chosen = [*(x for x in used if rng.random() < 0.7), *rng.permutation(list("ace"))[:1]]
            output = "".join(rng.permutation(chosen))[:4]
            new = {x: axis_of[x] for x in output if x not in used}
            wires.append(einsum(f"{','.join(terms)}->{output}", *operands, sizes=new))
    return cg.circuit(inputs=inputs, y=wires[-1])


@pytest.mark.parametrize("seed", range(60))
def test_plans_of_random_contractions_agree_with_the_evaluation_gate_by_gate(seed):
    rng = np.random.default_rng(seed)
    circuit = random_program(rng)
    sizes = {"i": 3, "j": 1 + seed % 4, "k": 2}
    arrays = [rng.standard_normal([sizes[a] for a in wire.shape]) for wire in circuit.inputs]
    expected = circuit.run(*arrays)["y"].value
    scale = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(circuit(*arrays), expected, rtol=1e-11, atol=1e-12 * scale)


def test_shapes_are_checked_again_after_a_call_that_was_right():
    circuit = cg.circuit(cg.input("A", "m n") @ cg.input("x", "n"))
    np.testing.assert_array_equal(circuit(np.eye(2), np.ones(2)), [1, 1])
    np.testing.assert_array_equal(circuit(np.eye(3), np.ones(3)), [1, 1, 1])
    with pytest.raises(cg.ShapeError):
        circuit(np.eye(2), np.ones(3))
    np.testing.assert_array_equal(circuit([[1, 2]], [3, 4]), [11])
    np.testing.assert_array_equal(circuit(np.eye(2, dtype="float32"), np.ones(2)), [1, 1])


@pytest.mark.parametrize("size", [0, 1, 7, 40])
@pytest.mark.parametrize(
    "subscripts", ["ab,cdb->cad", "abc,bd->acd", "ab,bcd->cda", "cab,bd->acd", "ab,cdb->acd"]
)
def test_stacks_of_matrices(subscripts, size):
    rng = np.random.default_rng(size)
    lengths = {"a": size, "b": 20, "c": 3, "d": 11}
    terms = subscripts.split("->")[0].split(",")
    arrays = [rng.standard_normal([lengths[x] for x in term]) for term in terms]
    wires = [cg.input(f"x{k}", array.shape) for k, array in enumerate(arrays)]
    found = cg.circuit(f=einsum(subscripts, *wires), inputs=wires)(*arrays)
    np.testing.assert_allclose(found, np.einsum(subscripts, *arrays), rtol=1e-12, atol=1e-12)


def test_gradients_of_entries_and_parts_are_added_in_place():
    x = cg.input("x", (5, 4))
    parts = [x[0], x[1:4, 2], x[::2], x[-1], x[:, 1], x[1:, ::3]]
    weights = [float(3 + k) for k in range(len(parts))]
    value = sum(w * np.sum(part**2) for w, part in zip(weights, parts, strict=True))
    circuit = cg.circuit(f=value)
    point = np.random.default_rng(2).standard_normal((5, 4))
    expected = np.zeros((5, 4))
    for w, key in zip(
        weights,
        [0, np.s_[1:4, 2], np.s_[::2], -1, np.s_[:, 1], np.s_[1:, ::3]],
        strict=True,
    ):
        expected[key] += 2 * w * point[key]
    gradient, before = circuit.grad("x"), point.copy()
    for _ in range(2):
        np.testing.assert_allclose(gradient(point), expected, rtol=1e-14)
    np.testing.assert_array_equal(point, before)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, -0.0])
def test_sums_of_products_and_moved_numbers_keep_nan_and_infinity(odd):
    rng = np.random.default_rng(3)
    X, w = cg.input("X", "m n"), cg.input("w", "n")
    scaled = -3.0 * X
    wires = [
        np.sum(X**2, axis=0), np.sum(X * scaled, axis=1), -(scaled @ w), np.sum(-X, axis=0),
        (2.0 * X) * w + X * w, X - (-X) * 2.0, -(X @ w)[:, None] + X,
    ]  # fmt: skip
    circuit = cg.circuit(*wires, inputs=[X, w])
    values, vector = rng.standard_normal((3, 4)), rng.standard_normal(4)
    values[1, 2] = odd
    with np.errstate(all="ignore"):
        kept = circuit.run(values, vector)
        for name, found in circuit(values, vector).items():
            np.testing.assert_allclose(found, kept[name].value, rtol=1e-13, atol=1e-14)


def products_of(circuit, **sizes):
    """How many products of two arrays the plan of a circuit computes."""
    plan = plan_of(circuit, sizes)
    return sum(len(getattr(wire.gate, "operands", "")) == 2 for wire, _ in plan.gates)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_chain_of_products_and_its_transpose_are_multiplied_once(n):
    names = "ABCDE"
    A, B, C, D, E = wires = [cg.input(name, "n n") for name in names]
    M = cg.input("M", "n k")
    chain = A @ B @ C @ D @ E
    back = E.T @ (D.T @ (C.T @ (B.T @ (A.T @ M))))
    circuit = cg.circuit(chain=chain, back=back, inputs=[*wires, M])
    rng = np.random.default_rng(n)
    arrays = [rng.standard_normal((n, n)) for _ in names]
    factor = rng.standard_normal((n, n + 1))
    product = np.linalg.multi_dot(arrays)
    found = circuit(*arrays, factor)
    np.testing.assert_allclose(found["chain"], product, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found["back"], product.T @ factor, rtol=1e-10, atol=1e-10)
    assert products_of(circuit, n=20, k=20) == 5  # four for the chain, one for the way back


def test_a_chain_of_vectors_is_not_made_one_of_matrices():
    wires = [cg.input(name, "n n") for name in "ABCDE"]
    v = cg.input("v", "n")
    A, B, C, D, E = wires
    circuit = cg.circuit(f=A @ (B @ (C @ (D @ (E @ v)))), g=(A @ B) @ (C @ D), inputs=[*wires, v])
    matrices = [np.random.default_rng(k).standard_normal((20, 20)) for k in range(5)]
    vector = np.ones(20)
    expected = np.linalg.multi_dot([*matrices, vector])
    np.testing.assert_allclose(circuit(*matrices, vector)["f"], expected, rtol=1e-9)
    work = circuit.cost(n=20).flops
    assert work <= 3 * 2 * 20**3 + 5 * 2 * 20**2


def test_sums_inside_a_product_are_kept_apart():
    """The same factors, summed otherwise: a product of matrices is not one entry by entry."""
    A, B, C, x = (
        cg.input("A", "n n"),
        cg.input("B", "n n"),
        cg.input("C", "n n"),
        cg.input("x", "n"),
    )
    circuit = cg.circuit(
        f=einsum("ij,jk,kl->il", A, B, C),
        g=einsum("ij,ij->i", A @ B, C) * x,
        h=einsum("i,ij->j", x, (A @ B) @ C),
        k=einsum("i,ji->j", x, (A @ B) @ C),
        m=einsum("j,ji->i", x, A) @ B @ C,
        inputs=[A, B, C, x],
    )
    rng = np.random.default_rng(8)
    a, b, c = rng.standard_normal((3, 4, 4))
    v = rng.standard_normal(4)
    found = circuit(a, b, c, v)
    expected = {
        "f": a @ b @ c, "g": np.sum(a @ b * c, axis=1) * v, "h": v @ a @ b @ c,
        "k": a @ b @ c @ v, "m": v @ a @ b @ c,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-13)
