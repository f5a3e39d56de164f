"""Jacobians and Hessians whose structure is kept: read off the deltas, used as operators."""
