"""The intake: path -> bytes and SHA-256 -> upright RGB input of the model, decoded behind walls."""
