"""What is asked of `photod init`, for its tests."""

import argparse
from pathlib import Path


def asked(*folders: Path, **more: object) -> argparse.Namespace:
    plain = {"system": False, "run_as": None, "weights": None, "dry_run": False, "uninstall": False, "yes": False}
    return argparse.Namespace(folders=list(folders), **plain | more)
