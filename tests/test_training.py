"""cg.fit: against closed forms; interrupted, killed and resumed; stopped at what is not finite."""

import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad import checkpoints, nn, optim
from circuitgrad.training import Saving

ROOT = pathlib.Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(7)
X = RNG.normal(size=(50, 3))
Y = X @ np.array([1.0, -2.0, 0.5]) + 0.3 + 0.1 * RNG.normal(size=50)
START = {"w": np.zeros(3), "b": np.array(0.0)}


def squares(parameters, x, y):
    return np.mean((x @ parameters["w"] + parameters["b"] - y) ** 2)


def least_squares():
    return np.linalg.lstsq(np.column_stack([X, np.ones(50)]), Y, rcond=None)[0]


def same(first, second):
    for one, other in ((first.parameters, second.parameters), (first.history, second.history)):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_full_batches_find_the_least_squares_solution():
    found = cg.fit(squares, START, (X, Y), optim.sgd(0.2), epochs=400, batch_size=None)
    solution = least_squares()
    np.testing.assert_allclose(found.parameters["w"], solution[:3], rtol=1e-9)
    np.testing.assert_allclose(found.parameters["b"], solution[3], rtol=1e-9)
    assert found.stopped == "epochs"
    assert found.history["loss"].shape == (400,)


def test_the_first_step_is_the_formula():
    found = cg.fit(squares, START, (X, Y), optim.sgd(0.1), epochs=1, batch_size=None)
    np.testing.assert_allclose(found.parameters["w"], 0.1 * 2 * X.T @ Y / 50, rtol=1e-13)
    assert found.history["batch_loss"] == pytest.approx(np.mean(Y**2))


def test_the_loss_is_traced_once_for_each_shape_of_the_batch():
    calls = []

    def counted(parameters, x, y):
        calls.append(x.shape)
        return squares(parameters, x, y)

    cg.fit(counted, START, (X, Y), optim.sgd(0.01), epochs=5, batch_size=16)
    assert sorted(calls) == [(2, 3), (16, 3)]


def test_the_mean_over_an_epoch_weighs_the_smaller_last_batch():
    found = cg.fit(squares, START, (X, Y), optim.sgd(0.0), epochs=1, batch_size=16)
    assert found.history["loss"] == pytest.approx([np.mean(Y**2)])
    assert found.history["batch_loss"].shape == (4,)


def test_the_same_seed_gives_the_same_training_and_another_seed_another():
    first = cg.fit(squares, START, (X, Y), optim.adam(0.05), epochs=3, batch_size=8, seed=1)
    same(first, cg.fit(squares, START, (X, Y), optim.adam(0.05), epochs=3, batch_size=8, seed=1))
    other = cg.fit(squares, START, (X, Y), optim.adam(0.05), epochs=3, batch_size=8, seed=2)
    assert np.any(first.parameters["w"] != other.parameters["w"])


def test_the_arguments_are_left_alone():
    start = {"w": np.zeros(3), "b": 0}
    x = X.copy()
    cg.fit(squares, start, (x, Y), epochs=2)
    assert start["b"] == 0
    np.testing.assert_array_equal(start["w"], np.zeros(3))
    np.testing.assert_array_equal(x, X)


def test_parameters_in_float32_stay_so():
    start = {"w": np.zeros(3, np.float32), "b": np.float32(0)}
    found = cg.fit(squares, start, (X, Y), optim.sgd(0.2), epochs=100, batch_size=None)
    assert found.parameters["w"].dtype == np.float32
    np.testing.assert_allclose(found.parameters["w"], least_squares()[:3], rtol=1e-4)


def test_a_look_ahead_optimizer_is_given_the_gradient_where_it_looks():
    optimizer = optim.nesterov(0.05, form="lookahead")
    found = cg.fit(squares, START, (X, Y), optimizer, epochs=3, batch_size=None)
    w, b, v, u = np.zeros(3), 0.0, np.zeros(3), 0.0
    for _ in range(3):
        error = X @ (w + 0.9 * v) + b + 0.9 * u - Y
        v, u = 0.9 * v - 0.05 * 2 * X.T @ error / 50, 0.9 * u - 0.05 * 2 * np.mean(error)
        w, b = w + v, b + u
    np.testing.assert_allclose(found.parameters["w"], w, rtol=1e-12)
    np.testing.assert_allclose(found.parameters["b"], b, rtol=1e-12)


# --- state, preparation, validation, callbacks ----------------------------------------------------


def normed(parameters, state, x, y):
    scaled, state = nn.batch_norm(parameters["norm"], x, state, train=True)
    return np.mean((scaled @ parameters["w"] - y) ** 2), state


def test_running_statistics_are_handed_on():
    start = {"norm": nn.norm_parameters(3), "w": np.zeros(3)}
    found = cg.fit(
        normed, start, (X, Y), optim.sgd(0.1), epochs=200, batch_size=None,
        state=nn.batch_norm_state(3),
    )  # fmt: skip
    np.testing.assert_allclose(found.state["mean"], X.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(found.state["variance"], X.var(axis=0, ddof=1), rtol=1e-7)


def test_what_prepare_draws_depends_on_the_step_alone(tmp_path):
    drawn = []

    def noisy(generator, x, y):
        noise = generator.normal(size=x.shape)
        drawn.append(noise[0, 0])
        return x + noise, y

    cg.fit(squares, START, (X, Y), epochs=3, batch_size=25, prepare=noisy)
    assert len(set(drawn)) == 6
    first, drawn[:] = list(drawn), []
    cg.fit(squares, START, (X, Y), epochs=3, batch_size=25, prepare=noisy)
    assert drawn == first


def test_early_stopping_returns_the_parameters_of_the_lowest_validation_error():
    errors = iter([3.0, 1.0, 2.0, 2.0, 0.0])
    seen = []
    found = cg.fit(
        squares, START, (X, Y), optim.sgd(0.01), epochs=5, batch_size=None,
        validation=lambda parameters: next(errors),
        early_stopping=optim.EarlyStopping(patience=2),
        callbacks=[lambda moment: seen.append(moment.parameters["w"])],
    )  # fmt: skip
    assert found.stopped == "early stopping"
    np.testing.assert_array_equal(found.history["validation"], [3, 1, 2, 2])
    np.testing.assert_array_equal(found.parameters["w"], seen[1])


def test_validation_on_arrays_is_the_loss_there():
    found = cg.fit(
        squares, START, (X[:40], Y[:40]), optim.sgd(0.1), epochs=2, validation=(X[40:], Y[40:])
    )
    p = found.parameters
    expected = np.mean((X[40:] @ p["w"] + p["b"] - Y[40:]) ** 2)
    assert found.history["validation"][-1] == pytest.approx(expected, rel=1e-12)


def test_a_callback_ends_the_training():
    found = cg.fit(squares, START, (X, Y), callbacks=[lambda moment: moment.epoch == 3])
    assert found.stopped == "callback"
    assert found.history["loss"].shape == (3,)


def test_the_bar_is_shown_when_asked_for(capsys):
    cg.fit(squares, START, (X, Y), epochs=2, progress=True)
    assert "loss=" in capsys.readouterr().err
    cg.fit(squares, START, (X, Y), epochs=2, progress=False)
    assert capsys.readouterr().err == ""


# --- interruption ---------------------------------------------------------------------------------


def options(path):
    return {
        "optimizer": optim.with_weight_decay(optim.adam(optim.step_decay(0.05, every=7)), 0.01),
        "batch_size": 8,
        "seed": 3,
        "validation": (X[:10], Y[:10]),
        "early_stopping": optim.EarlyStopping(patience=50),
        "checkpoint": None if path is None else Saving(path, every=2),
    }


class InterruptionError(Exception):
    pass


@pytest.mark.parametrize("step", [1, 2, 3, 6, 7, 8, 13, 20])
def test_interrupted_and_resumed_is_as_if_never_interrupted(tmp_path, step):
    whole = cg.fit(squares, START, (X, Y), epochs=4, **options(None))
    calls = []

    def failing(generator, x, y):
        calls.append(1)
        if len(calls) == step:
            raise InterruptionError
        return x, y

    path = tmp_path / "c.npz"
    with pytest.raises(InterruptionError):
        cg.fit(squares, START, (X, Y), epochs=4, prepare=failing, **options(path))
    same(whole, cg.fit(squares, START, (X, Y), epochs=4, **options(path)))
    same(whole, cg.fit(squares, START, (X, Y), epochs=4, **options(path)))  # nothing left to do


def test_more_epochs_go_on_from_the_checkpoint(tmp_path):
    path = tmp_path / "c.npz"
    cg.fit(squares, START, (X, Y), epochs=2, **options(path))
    longer = cg.fit(squares, START, (X, Y), epochs=5, **options(path))
    same(longer, cg.fit(squares, START, (X, Y), epochs=5, **options(None)))


KILLED = """
import sys, time
import numpy as np
import circuitgrad as cg
from circuitgrad import nn, optim
from circuitgrad.training import Saving

x = np.random.default_rng(0).normal(size=(60, 4))
y = np.arange(60) % 3
model = nn.sequential(("first", nn.affine), np.tanh, ("norm", nn.layer_norm), ("last", nn.affine))
rng = np.random.default_rng(1)
start = {
    "first": nn.affine_parameters(rng, 4, 6),
    "norm": nn.norm_parameters(6),
    "last": nn.affine_parameters(rng, 6, 3),
}

def loss(parameters, x, y, mask):
    hidden = nn.affine(parameters["first"], x)
    hidden = nn.inverted_dropout(np.tanh(hidden), mask, keep=0.8, train=True)
    hidden = nn.layer_norm(parameters["norm"], hidden)
    return nn.cross_entropy(nn.affine(parameters["last"], hidden), y)

def prepare(generator, x, y):
    if sys.argv[2] == "slow":
        print("step", flush=True)
        time.sleep(0.002)
    return x, y, nn.dropout_mask(generator, (len(x), 6), 0.8)

result = cg.fit(
    loss, start, (x, y), optim.adam(0.01), epochs=12, batch_size=7, prepare=prepare,
    checkpoint=Saving(sys.argv[1], every=1),
)
for name, array in sorted(result.parameters.items()):
    for key in sorted(array):
        print(name, key, array[key].tobytes().hex())
print(result.history["batch_loss"].tobytes().hex())
"""


def program(path, pace):
    return [sys.executable, "-W", "error", "-c", KILLED, str(path), pace]


def test_killed_at_any_moment_and_resumed_gives_the_same_bits(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = {"capture_output": True, "text": True, "check": True, "timeout": 100}
    whole = subprocess.run(program(tmp_path / "a.npz", "fast"), env=environment, **done).stdout
    path = tmp_path / "b.npz"
    generator = np.random.default_rng(0)
    for _ in range(3):
        process = subprocess.Popen(
            program(path, "slow"), env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(int(generator.integers(1, 30))):
            process.stdout.readline()
        time.sleep(float(generator.uniform(0, 0.01)))
        process.kill()
        process.communicate()
        assert process.returncode != 0
    resumed = subprocess.run(program(path, "fast"), env=environment, **done).stdout
    assert resumed == whole
    assert checkpoints.read(path).description["position"] == [12, 0]


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "c.npz"
    cg.fit(squares, START, (X, Y), epochs=1, checkpoint=path)
    for changed, what in (
        ({"seed": 5}, "its seed is 0, here it is 5"),
        ({"batch_size": 10}, "its batch size is 32, here it is 10"),
        ({"optimizer": optim.sgd(0.1)}, "its optimiser is 'adam"),
    ):
        with pytest.raises(cg.SpecError, match=what):
            cg.fit(squares, START, (X, Y), epochs=1, checkpoint=path, **changed)
    with pytest.raises(cg.SpecError, match="its data is"):
        cg.fit(squares, START, (X, Y + 1), epochs=1, checkpoint=path)
    anew = cg.fit(squares, START, (X, Y + 1), epochs=1, checkpoint=Saving(path, resume=False))
    same(anew, cg.fit(squares, START, (X, Y + 1), epochs=1))


def test_a_file_that_is_no_checkpoint_is_told(tmp_path):
    path = tmp_path / "c.npz"
    path.write_bytes(b"something else")
    with pytest.raises(cg.SpecError, match="not a checkpoint"):
        cg.fit(squares, START, (X, Y), checkpoint=path)
    np.savez(path, w=np.zeros(3))
    with pytest.raises(cg.SpecError, match="not a checkpoint"):
        cg.fit(squares, START, (X, Y), checkpoint=path)


def test_a_checkpoint_half_written_is_never_read(tmp_path):
    path = tmp_path / "c.npz"
    whole = cg.fit(squares, START, (X, Y), epochs=3)
    cg.fit(squares, START, (X, Y), epochs=2, checkpoint=path)
    path.with_name("c.npz.part").write_bytes(path.read_bytes()[:100])
    same(whole, cg.fit(squares, START, (X, Y), epochs=3, checkpoint=path))


# --- what is not finite ---------------------------------------------------------------------------


def test_a_nan_names_the_step_the_gate_and_its_input():
    def logarithm(parameters, x):
        return np.mean(np.log(parameters["w"] - x))

    x = np.array([0.0, 0.5, 3.0])
    with pytest.raises(
        cg.DomainError, match=r"step 3 \(epoch 1, batch 3\): gate log gives nan"
    ) as e:
        cg.fit(logarithm, {"w": 1.0}, x, optim.sgd(0.01), batch_size=1, shuffle=False)
    assert "-2.0" in str(e.value)


def test_a_nan_in_the_data_is_told_as_such():
    x = X.copy()
    x[4, 1] = np.nan
    with pytest.raises(cg.DomainError, match=r"input 'x' is nan at index \(4, 1\)"):
        cg.fit(squares, START, (x, Y), batch_size=None)


def test_a_gradient_that_is_not_finite_is_told_although_the_loss_is():
    with pytest.raises(cg.DomainError, match=r"step 1 .*gate "):
        cg.fit(lambda p, x: np.sqrt(p["w"]) + np.mean(x), {"w": 0.0}, X)


def test_a_rate_that_is_too_large_ends_in_words():
    with pytest.raises(cg.DomainError, match="Lower the learning rate"):
        cg.fit(squares, START, (X, Y), optim.sgd(1e6), epochs=200)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((squares, START, (X, Y[:10])), {}, "as many samples"),
        ((squares, START, (X[:0], Y[:0])), {}, "no sample"),
        ((squares, START, ()), {}, "got no array"),
        ((squares, START, {"x": X}), {}, "tuple of arrays"),
        ((squares, {}, (X, Y)), {}, "parameters: got no array"),
        ((squares, {"w": "text"}, (X, Y)), {}, "parameters w"),
        ((squares, START, (X, Y), optim.adam), {}, "needed one, as optim.adam(0.001)"),
        ((squares, START, (X, Y)), {"epochs": 1.5}, "epochs: got 1.5"),
        ((squares, START, (X, Y)), {"batch_size": 0}, "batch_size: got 0"),
        ((squares, START, (X, Y)), {"early_stopping": optim.EarlyStopping()}, "needs validation="),
        ((squares, START, (X, Y)), {"early_stopping": 3}, "EarlyStopping(patience"),
        ((squares, START, (X, Y)), {"checkpoint": 5}, "needed a path"),
        ((squares, START, (X, Y)), {"callbacks": 5}, "list of functions"),
        ((3, START, (X, Y)), {}, "the loss is 3"),
        ((lambda p, x: p["w"] + x, {"w": 1.0}, X[:, 0]), {}, "needed one number"),
        ((lambda p, x: 1.0, START, X), {}, "depends on the parameters"),
        ((lambda p, s, x: np.sum(p["w"]), START, X), {"state": np.zeros(1)}, "pair (loss, new"),
    ],
)  # fmt: skip
def test_mistakes_are_told(arguments, options, message):
    with pytest.raises(cg.CircuitError, match=re.escape(message)):
        cg.fit(*arguments, **options)
