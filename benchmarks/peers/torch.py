"""PyTorch on the CPU, in its default eager form, with its own fused layers and losses."""

import torch
import torch.nn.functional as layers
from torch.func import grad, hessian, jvp, vmap

from benchmarks.case import Solution, flat
from benchmarks.problems import bundle, factorisation, mixture, rosenbrock

torch.set_num_threads(1)


def network(case):
    """The graph is recorded anew in every evaluation."""
    data = case.data
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels)
    parameters = [torch.from_numpy(array.copy()).requires_grad_() for array in data.parameters]
    W1, b1, W2, b2, W3, b3 = parameters

    def evaluate(_):
        hidden = torch.relu(torch.addmm(b1, images, W1))
        hidden = torch.relu(torch.addmm(b2, hidden, W2))
        loss = layers.cross_entropy(torch.addmm(b3, hidden, W3), labels)
        return loss, torch.autograd.grad(loss, parameters)

    return Solution(evaluate, lambda out: (out[0].item(), flat(array.numpy() for array in out[1])))


def second(function, argument):
    """The Hessian, forward over reverse, as torch.func.hessian has it."""
    derived, point = hessian(function), torch.from_numpy(argument)
    return Solution(lambda _: derived(point), lambda out: (out,))


def logistic_hessian(case):
    """PyTorch has a sigmoid's logarithm of its own."""
    X, y = torch.from_numpy(case.data.X), torch.from_numpy(case.data.y)
    return second(lambda w: -torch.sum(layers.logsigmoid(y * (X @ w))), case.data.w)


def factorisation_hessian(case):
    """The formula as it stands."""
    V, T = torch.from_numpy(case.data.V), torch.from_numpy(case.data.T)
    return second(lambda U: factorisation.loss(torch, U, V, T), case.data.U)


def softmax_hessian(case):
    """The cross-entropy by logsumexp."""
    X, Y = torch.from_numpy(case.data.X), torch.from_numpy(case.data.Y)

    def entropy(W):
        scores = X @ W
        return torch.sum(torch.logsumexp(scores, 1)) - torch.sum(scores * Y)

    return second(entropy, case.data.W)


def relu_hessian(case):
    """The cross-entropy by logsumexp."""
    first, *others = case.data.weights
    weights = [torch.from_numpy(W) for W in others]
    x, target = torch.from_numpy(case.data.x), torch.from_numpy(case.data.target)

    def entropy(W1):
        hidden = torch.relu(W1 @ x)
        for W in weights[:-1]:
            hidden = torch.relu(W @ hidden)
        scores = weights[-1] @ hidden
        return torch.logsumexp(scores, 0) - scores @ target

    return second(entropy, first)


def rosenbrock_hessian(case):
    """Three Hessian-vector products at once."""
    x = torch.from_numpy(case.data)
    directions = torch.from_numpy(rosenbrock.directions(len(x)))
    gradient = grad(lambda x: rosenbrock.value(torch, x))
    products = vmap(lambda direction: jvp(gradient, (x,), (direction,))[1])
    return Solution(lambda _: rosenbrock.diagonals(products(directions).numpy()), lambda out: out)


def gmm_gradient(case):
    """The graph is recorded anew in every evaluation."""
    data = case.data
    components, d = data.means.shape
    x, positions = torch.from_numpy(data.x), torch.from_numpy(mixture.positions(d))
    identity, padding = torch.eye(d, dtype=x.dtype), torch.zeros(components, 1, dtype=x.dtype)
    constant = mixture.constant(data)
    parameters = [torch.from_numpy(array.copy()).requires_grad_() for array in data.parameters]
    alphas, means, factors = parameters

    def value():
        logarithms, lower = factors[:, :d], factors[:, d:]
        diagonal = torch.exp(logarithms)
        Q = torch.cat([factors, padding], 1)[:, positions] + diagonal[:, :, None] * identity
        moved = x @ Q.transpose(1, 2) - torch.einsum("kij,kj->ki", Q, means)[:, None, :]
        scores = (alphas + logarithms.sum(1))[:, None] - 0.5 * (moved**2).sum(2)
        prior = 0.5 * data.scale**2 * ((diagonal**2).sum() + (lower**2).sum())
        prior = prior - data.degrees * logarithms.sum()
        total = torch.logsumexp(scores, 0).sum() - len(x) * torch.logsumexp(alphas, 0)
        return constant + total + prior

    def evaluate(_):
        out = value()
        return out, torch.autograd.grad(out, parameters)

    return Solution(evaluate, lambda out: (out[0].item(), flat(array.numpy() for array in out[1])))


def bundle_jacobian(case):
    """Two backward passes over all observations: the sums of their first and second errors."""
    data = case.data
    cameras, points, weights = (torch.from_numpy(array) for array in data.parameters)
    camera, point = torch.from_numpy(data.camera), torch.from_numpy(data.point)
    features = torch.from_numpy(data.features).T

    def evaluate(_):
        rows = [cameras[camera], points[point], weights[:, None]]
        columns = torch.cat(rows, 1).T.requires_grad_()
        errors = bundle.errors(torch, columns, features)
        first, second = (
            torch.autograd.grad(error.sum(), columns, retain_graph=True)[0] for error in errors
        )
        values = [error.detach() for error in errors]
        return values, 1 - weights**2, (first, second), -2 * weights

    return Solution(evaluate, bundle.columns_result)
