"""What the documents say of the code is true."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"`([a-z_/]+\.py)`", text))
    assert len(named) > 15
    places = (ROOT / "daemon/photod", ROOT)
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


def test_the_page_about_watching_names_every_module_of_it() -> None:
    named = set(re.findall(r"`(\w+)`", (ROOT / "docs/WATCHING.md").read_text()))
    modules = {path.stem for path in (ROOT / "daemon/photod/watch").glob("*.py")}
    assert len(modules) > 10
    assert modules - named == {"__init__"}


def test_every_dependency_has_its_reason() -> None:
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")[2]
    for requirement in PROJECT["dependencies"]:
        name = re.split(r"[><=]", requirement)[0]
        assert re.search(rf"^\| .*\b{re.escape(name)}\b.* \|", table, re.MULTILINE), name


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs/MONITORING.md"])
def test_every_link_in_a_document_leads_somewhere(document: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", (ROOT / document).read_text())
    assert targets
    for target in targets:
        assert target.startswith("https://") or ((ROOT / document).parent / target).exists(), target
