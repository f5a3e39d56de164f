"""How accurate a formula is in floating point, and the stable form of one."""
