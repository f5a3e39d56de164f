"""The symbolic faces of a circuit: SymPy expressions, plain text and LaTeX, and the way back."""
