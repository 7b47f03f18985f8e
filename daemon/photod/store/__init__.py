"""One SQLite database per folder: schema, the only writer, and the questions anybody may ask."""
