import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark.py"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module; what it puts on the path leaves with the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_within_figures_are_printed_under_joined_keys(benchmark: ModuleType) -> None:
    figures = {"users": 3, "beauty": {"valid": {"HR@10": 0.1}, "seeds": [0, 1]}, "nothing": {}}
    assert list(benchmark.flat(figures)) == [
        ("users", 3),
        ("beauty.valid.HR@10", 0.1),
        ("beauty.seeds", [0, 1]),
        ("nothing", {}),
    ]


def test_every_benchmark_has_its_file(benchmark: ModuleType) -> None:
    for name in benchmark.BENCHMARKS:
        assert (SCRIPT.parent / "benchmarks" / f"{name}.py").is_file()


def test_an_unknown_part_of_quality_is_one_line_that_names_the_parts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "quality", "--data", str(tmp_path), "--only", "beauty"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no part 'beauty'; there are: beauty_sequential" in done.stderr
    assert "Traceback" not in done.stderr
