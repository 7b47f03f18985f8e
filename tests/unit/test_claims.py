"""The tests and the records of the journal that documents speak of exist, and none is left out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVENTS = set(re.findall(r"`(\w+)`", (ROOT / "docs/MONITORING.md").read_text().partition("| `EVENT=` |")[2]))


@pytest.mark.parametrize("document", ["SECURITY.md", "docs/RELIABILITY.md", "docs/WATCHING.md"])
def test_every_test_that_a_document_names_exists(document: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / document).read_text()))
    files = list((ROOT / "tests").rglob("test_*.py"))
    tests = {test for path in files for test in re.findall(r"def (test_\w+)\(", path.read_text())}
    assert len(named) > 5
    assert named - tests - {path.stem for path in files} == set()


def test_the_page_about_monitoring_explains_every_warning() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "daemon").rglob("*.py"))
    warnings = set(re.findall(r'log\.(?:warning|error)\(\s*"(\w+)"', code))
    others = {"unscoreable", "library"}  # no warning, and what libraries warn of
    assert len(warnings) > 15
    assert all(f'"{event}"' in code for event in others)
    assert warnings | others == EVENTS


@pytest.mark.parametrize("document", ["README.md", "docs/MONITORING.md", "docs/photod-alerts.yml"])
def test_every_record_that_can_be_asked_for_is_explained(document: str) -> None:
    asked = set(re.findall(r"EVENT=(\w+)", (ROOT / document).read_text()))
    assert asked
    assert asked <= EVENTS
