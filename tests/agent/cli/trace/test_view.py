"""``recmind trace view``: a file to open, or an address."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request

from tests.agent.tracing.page.test_views import Blocks


def test_a_file_with_the_latest_requests(recmind, home, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    ids = [recmind("recommend", text, "--home", home, "--json").json["trace_id"] for text in ("a comedy", "a drama")]
    done = recmind("trace", "view", "--home", home)
    assert done.out.startswith("traces.html: 2 traces, ")
    held = Blocks((tmp_path / "traces.html").read_text(encoding="utf-8")).found
    assert list(held) == ["rows", f"trace-{ids[1]}", f"trace-{ids[0]}"]
    told = recmind("trace", "view", ids[0][-8:], "--home", home, "--json").json
    path = tmp_path / f"trace-{ids[0][-8:]}.html"
    assert told == {"file": path.name, "traces": 1, "bytes": path.stat().st_size}
    assert list(Blocks(path.read_text(encoding="utf-8")).found) == ["rows", f"trace-{ids[0]}"]
    newest = recmind("trace", "view", "-n", "1", "--out", "one.html", "--home", home, "--json").json
    assert (newest["file"], newest["traces"]) == ("one.html", 1)


def test_what_cannot_be_is_one_line(recmind, home) -> None:
    done = recmind("trace", "view", "--serve", "--out", "x.html", "--home", home)
    assert (done.code, done.err.splitlines()[0][:74]) == (
        2,
        "recmind: error: --out writes a file and --serve writes none: give one of t",
    )
    assert recmind("trace", "view", "ffffffff", "--home", home).code == 2


def test_it_serves_until_it_is_interrupted(recmind, home) -> None:
    trace_id = recmind("recommend", "a comedy", "--home", home, "--json").json["trace_id"]
    words = [
        sys.executable,
        "-c",
        # A shell's background jobs, and what they start, ignore the signal.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from recmind.agent.cli import main; main()",
        "trace",
        "view",
        "last",
        "--serve",
        "--home",
        str(home),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        url, _, shown = process.stdout.readline().strip().partition("#")
        with urllib.request.urlopen(f"{url}api/traces/{shown}", timeout=10) as response:
            assert trace_id in response.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[1].splitlines()[0].startswith("Whoever uses this machine")
        assert (process.returncode, shown) == (0, trace_id)
