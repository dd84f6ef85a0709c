"""The page and the plots that tell what runs of the bench have found."""

import re
from pathlib import Path

import pytest
from bench.results import Results, load

from bench import report

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/performance.md"


@pytest.fixture
def published() -> Results:
    """What was found at the commit that the published page names."""
    commit = re.search(r"at commit `(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert commit
    return load(ROOT / f"bench/results/{commit[1]}.json")


@pytest.fixture
def made(published: Results, tmp_path: Path) -> Path:
    """A folder with the page and the plots made of that."""
    (tmp_path / "images").mkdir()
    report.write(published, tmp_path)
    return tmp_path


def test_the_page_is_made_of_results(made: Path) -> None:
    """The published page says what the results say that are kept beside the code, and nothing else."""
    assert (made / "performance.md").read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")


def test_every_page_has_a_bar(published: Results, made: Path) -> None:
    """In the chart of what pages cost each page that was measured has a bar of its own."""
    chart = (made / "images/performance-cpu.svg").read_text(encoding="utf-8")
    assert chart.count("<rect") == sum(f"{page}.cpu" in published.figures for page in report.PAGES)
