"""The structure of Jacobians and Hessians, and their computation by it."""
