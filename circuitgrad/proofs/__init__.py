"""Decides whether two formulas are equal: exact normal forms, sign cells and ball arithmetic."""
