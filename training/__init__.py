"""How the built-in model of photod is made, measured and exported, from photos alone."""
