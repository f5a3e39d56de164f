"""Rows 34 and 35: dropout and inverted dropout; images flipped, cropped, lit and turned."""

import itertools

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim
from circuitgrad.viz import plots


def dropped():
    x, keep = np.array([1.0, -2.0, 3.0, 0.5]), 0.8
    means = {nn.dropout: np.zeros(4), nn.inverted_dropout: np.zeros(4)}
    for bits in itertools.product((0.0, 1.0), repeat=4):
        mask = np.array(bits)
        probability = np.prod(np.where(mask == 1, keep, 1 - keep))
        for layer in means:
            means[layer] += probability * layer(x, mask, keep=keep, train=True)
    for layer, mean in means.items():
        np.testing.assert_allclose(mean, layer(x, None, keep=keep, train=False), rtol=1e-14)
    np.testing.assert_array_equal(nn.inverted_dropout(x, None, keep=keep, train=False), x)
    masks = [nn.dropout_mask(np.random.default_rng(7), (1000, 50), keep) for _ in range(2)]
    np.testing.assert_array_equal(*masks)
    assert abs(masks[0].mean() - keep) < 0.005
    h, mask = cg.input("h", 4), cg.input("mask", 4)
    circuit = cg.circuit(s=(nn.inverted_dropout(h, mask, keep=keep, train=True) ** 2).sum())
    shown = {"h": x, "mask": [1.0, 0.0, 1.0, 1.0]}
    assert circuit.grad("h")(**shown)[1] == 0
    circuit.draw(**shown).save(folder() / "n34_dropout.svg")
    return Row(
        34,
        "dropout and inverted dropout",
        "over all 16 masks of four units the mean is p·x, and x for inverted dropout; the same "
        "masks from the same seed; no mask at test time",
        proved(
            cg.check_equal("p*(1*x) + (1 - p)*(0*x)", "p*x"),
            cg.check_equal("p*(1*x/p) + (1 - p)*(0*x/p)", "x", assuming="p > 0"),
            cg.check("sum((m*h)/p)", "h", "m/p", m="n", h="n", p="1"),
            cg.verify(circuit),
        ),
        "n34_dropout.svg",
    )


def changed(images, seed):
    """The images by what was done to them."""
    return {
        "flipped": data.flipped(images, np.random.default_rng(seed), 1.0),
        "cropped": data.cropped(images, np.random.default_rng(seed), 2),
        "lit": data.brightened(images, np.random.default_rng(seed), 0.6),
        "turned": data.rotated(images, np.random.default_rng(seed), 30),
    }


def augmented():
    x, y = data.load("digits")
    images = x.reshape(-1, 8, 8) / 16
    first, again, other = (changed(images[:5], seed) for seed in (3, 3, 4))
    for name, found in first.items():
        assert found.shape == (5, 8, 8)
        np.testing.assert_array_equal(found, again[name])
        assert name == "flipped" or np.any(found != other[name])
    np.testing.assert_array_equal(first["flipped"], images[:5, :, ::-1])
    rows = [np.stack([found[k] for found in ({"as it was": images[:5]} | first).values()])
            for k in (2, 3)]  # fmt: skip
    figure = plots.class_templates(np.concatenate(rows), ["as it was", *first, *[""] * 5])
    figure.savefig(folder() / "n35_augmented.png", dpi=90)
    plain, moved = (accuracy(images, y, padding) for padding in (0, 1))
    assert plain < 0.5 < 0.7 < moved, (plain, moved)
    circuit = nn.model_circuit(
        lambda p, x: nn.cross_entropy(nn.affine(p, x), np.array([0, 1])),
        {"W": np.ones((2, 4)), "b": np.ones(2)},
        np.ones((2, 4)),
    )
    return Row(
        35,
        "augmentation: flip, crop, brightness, rotation",
        "same seed, same images; of digits moved by a pixel at random more than 70 % are "
        "recognised after training on such, fewer than 50 % after training without",
        proved(cg.verify(circuit)),
        "n35_augmented.png",
    )


def accuracy(images, labels, padding):
    """On test images that are moved at random, after training with crops of this padding."""

    def prepare(generator, x, y):
        return data.cropped(x, generator, padding).reshape(len(x), -1), y

    model = nn.dense(cg.relu, depth=2)
    found = cg.fit(
        lambda p, x, y: nn.cross_entropy(model(p, x), y),
        nn.dense_parameters(np.random.default_rng(0), (64, 48, 10)),
        (images[:1200], labels[:1200]),
        optim.adam(0.005),
        epochs=12,
        batch_size=100,
        prepare=prepare,
    )
    shifted = data.cropped(images[1200:], np.random.default_rng(9), 1).reshape(-1, 64)
    return np.mean(np.argmax(model(found.parameters, shifted), axis=1) == labels[1200:])


def main():
    report(dropped(), augmented())


if __name__ == "__main__":
    main()
