"""Execution: a circuit compiled once per signature into a flat plan, and runs that keep every value."""
