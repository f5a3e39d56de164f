"""Figures of circuits: scenes, layout by Graphviz, SVG, PNG and DOT."""

from circuitgrad.viz.drawing import draw
from circuitgrad.viz.figure import Figure

__all__ = ["Figure", "draw"]
