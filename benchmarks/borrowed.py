"""Whoever imports this may borrow from the tests: what makes photos, weights and running daemons."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
