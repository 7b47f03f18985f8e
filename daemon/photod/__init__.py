"""photod scores photographs as they land and remembers the scores."""
