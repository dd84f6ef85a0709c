"""What pages cost, counted in steps: the check that notices when a change makes them dearer."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
TOLERANCE = 0.25
"""How much dearer a page may become before it has to be said on purpose: python -m bench.steps > bench/steps.json."""

Steps = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def counted() -> Steps:
    """The counts of this checkout, by a process of its own, as tracing would follow the tests as well."""
    command = [sys.executable, "-m", "bench.steps"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own program
    return msgspec.json.decode(said.stdout, type=Steps)


@pytest.fixture(scope="module")
def baseline() -> Steps:
    """The counts that were last agreed on."""
    return msgspec.json.decode((ROOT / "bench/steps.json").read_bytes(), type=Steps)


@pytest.mark.parametrize("what", ["python", "sqlite", "bytes"])
def test_no_page_has_become_dearer(counted: Steps, baseline: Steps, what: str) -> None:
    """No page takes a quarter more instructions of Python or SQLite, or bytes, than it did."""
    dearer = {
        page: f"{was[what]} became {counted[page][what]}"
        for page, was in baseline.items()
        if counted[page][what] > was[what] * (1 + TOLERANCE)
    }
    assert not dearer, f"{what}: {dearer}"
