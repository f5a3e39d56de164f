"""Figures of circuits: scenes, layout by Graphviz, SVG, PNG and DOT.

``circuitgrad.viz.drawing.draw`` makes a ``circuitgrad.viz.figure.Figure`` of a circuit; every
circuit has it as its method ``draw``. Nothing is imported here: parts of the package load quickly.
"""
