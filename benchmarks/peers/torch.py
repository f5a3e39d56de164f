"""PyTorch on the CPU, in its default eager form, with its own fused layers and loss."""

import torch
import torch.nn.functional as layers

from benchmarks.case import Solution, flat

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
