"""What NumPy and SciPy offer and circuits do not: why, and what to use instead."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["REFUSED"]

_COMPLEX = "its values are complex, and wires carry real numbers."
_WRITES = "it writes into its argument, and wires cannot be written into."
_SHAPE = "the shape of its result depends on the values."
_WHOLE = "it is for whole numbers, and wires carry real numbers."

REFUSED: Mapping[str, str] = {
    **{
        f"fft.{name}": f"{_COMPLEX} The nearest are np.convolve and np.correlate, and a product "
        "with the matrix of cosines or sines of 2πjk/n."
        for name in (
            "fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2",
            "rfftn", "irfftn", "hfft", "ihfft",
        )
    },
    "linalg.eig": f"{_COMPLEX} The nearest is np.linalg.eigh, for symmetric matrices.",
    "linalg.eigvals": f"{_COMPLEX} The nearest is np.linalg.eigvalsh, for symmetric matrices.",
    "roots": f"{_COMPLEX} The nearest is np.linalg.eigvalsh, for symmetric matrices.",
    "poly": "there is no gate for it. The nearest is np.polymul of the factors.",
    "polyfit": "there is no gate for it. The nearest is np.linalg.lstsq(np.vander(x, n), y)[0].",
    "histogram": "it is piecewise constant, and its derivative 0. Count with np.sum over "
    "cg.sigmoid of the distance from the edges for a smooth version.",
    "bincount": "there is no gate for it. Multiply the weights with a matrix of zeros and ones.",
    "apply_along_axis": "it writes results into an array. The nearest is np.stack of a list.",
    "apply_over_axes": "there is no gate for it. Apply the function axis by axis.",
    "vectorize": "it writes results into an array. The nearest is np.stack of a list.",
    "fill_diagonal": f"{_WRITES} The nearest is np.where(np.eye(n), value, x).",
    "put": f"{_WRITES} The nearest is np.where with a mask.",
    "place": f"{_WRITES} The nearest is np.where with a mask.",
    "putmask": f"{_WRITES} The nearest is np.where with a mask.",
    "copyto": f"{_WRITES} The nearest is np.where with a mask.",
    "put_along_axis": f"{_WRITES} The nearest is np.where with a mask.",
    "trim_zeros": f"{_SHAPE} The nearest is a slice.",
    "argwhere": f"{_SHAPE} The nearest is np.where(condition, x, y).",
    "intersect1d": f"{_SHAPE} Work on the values instead.",
    "setdiff1d": f"{_SHAPE} Work on the values instead.",
    "union1d": f"{_SHAPE} The nearest is np.concatenate.",
    "sort_complex": f"{_COMPLEX} The nearest is np.sort.",
    "frexp": "its parts are piecewise. The nearest are np.log2 and np.exp2.",
    "ldexp": "there is no gate for it. The nearest is x * 2.0**n.",
    "modf": "there is no gate for it. The nearest are np.trunc(x) and x - np.trunc(x).",
    "nextafter": "its derivative says nothing. Use the value itself.",
    "spacing": "it is piecewise constant. Use np.finfo for the precision of a dtype.",
    "gcd": f"{_WHOLE} There is nothing near it.",
    "lcm": f"{_WHOLE} There is nothing near it.",
    "bitwise_and": f"{_WHOLE} For conditions multiply comparisons.",
    "bitwise_or": f"{_WHOLE} For conditions use np.maximum of comparisons.",
    "bitwise_xor": f"{_WHOLE} For conditions use np.abs of the difference of comparisons.",
    "invert": f"{_WHOLE} For conditions use 1 - comparison.",
    "left_shift": f"{_WHOLE} The nearest is x * 2**n.",
    "right_shift": f"{_WHOLE} The nearest is x / 2**n.",
    "einsum_path": "it plans a contraction. np.einsum on wires chooses the order itself.",
    "scipy.linalg.sqrtm": "there is no gate for it. For a symmetric matrix the nearest is "
    "V @ diag(sqrt(w)) @ V.T with w, V = np.linalg.eigh(A).",
    "scipy.integrate.odeint": "a solver's steps are no circuit. Write the steps as NumPy code.",
    "scipy.signal.convolve": "there is no gate for it. The nearest is np.convolve.",
    "save": "a wire is no array. Run the circuit, and save the result.",
    "savetxt": "a wire is no array. Run the circuit, and save the result.",
}  # fmt: skip
