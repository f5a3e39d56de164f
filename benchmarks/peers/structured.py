"""circuitgrad with derivatives that keep their structure: SciPy's operators and sparse matrices."""

import numpy as np

import circuitgrad as cg
from benchmarks.case import Solution, flat
from benchmarks.peers.circuitgrad import factorisation_circuit
from benchmarks.problems import bundle


def factorisation_hessian(case):
    """A Kronecker product, ready to be multiplied with and solved; written out only to compare."""
    arguments = {"U": case.data.U, "V": case.data.V, "T": case.data.T}

    def compile_(circuit):
        hessian = circuit.hessian("U")
        hessian.operator(**arguments)
        return hessian

    return Solution(
        lambda hessian: hessian.operator(**arguments),
        lambda out: (out.todense().reshape(case.data.U.shape * 2),),
        factorisation_circuit,
        compile_,
    )


def bundle_jacobian(case):
    """One sparse matrix by cameras, points and weights; circuitgrad finds the pattern itself."""
    data = case.data
    names = ("cameras", "points", "weights")
    arguments = (*data.parameters, data.features)

    def build():
        pairs = zip(names, data.parameters, strict=True)
        wires = [cg.input(name, array.shape) for name, array in pairs]
        features = cg.input("features", data.features.shape)
        columns = bundle.observed(np, *wires, data).T
        errors = np.stack(bundle.errors(np, columns, features.T), axis=1)
        return cg.circuit(errors=errors, priors=1 - wires[2] ** 2, inputs=[*wires, features])

    def compile_(circuit):
        made = circuit, circuit.sparse_jacobian(names)
        evaluate(made)
        return made

    def evaluate(made):
        circuit, jacobian = made
        return circuit(*arguments), jacobian(*arguments)

    def result(out):
        residuals, matrix = out
        return flat(residuals.values()), bundle.blocks(matrix, data)

    return Solution(evaluate, result, build, compile_)
