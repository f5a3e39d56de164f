"""Execution: a circuit compiled once per signature into a flat plan.

And runs that keep every value.
"""
