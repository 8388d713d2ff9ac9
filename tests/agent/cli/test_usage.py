"""Whatever is typed: help for every command, one line and exit code 2 for what is wrong, no traceback ever."""

import json
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from recmind.agent.cli import cli
from recmind.agent.cli.app import Application, Command
from recmind.data.errors import BadRow, ImportFailed, RecMindError

HEAVY = ("langgraph", "langchain", "langchain_core", "numpy", "sqlite_utils", "pydantic", "torch", "rich")


def every_command(command: click.Command, *names: str):
    yield names
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from every_command(below, *names, name)


@pytest.mark.parametrize("names", list(every_command(cli)), ids=" ".join)
def test_every_command_has_help_and_the_shared_options(recmind, names):
    done = recmind(*names, "--help")
    assert done.code == 0
    assert done.out.startswith(" ".join(["Usage: recmind", *names]))
    assert "--home" in done.out
    assert "--json" in done.out
    command = cli
    for name in names:
        command = command.commands[name]
    assert command.help


def test_the_commands_of_the_contract_are_there():
    wanted = (
        "import demo|import movielens|import table|index|recommend|trace list|trace show|trace view|doctor|schema|info|"
        "forget|items unavailable|items available|items remove"
    )
    assert set(wanted.split("|")) <= {" ".join(names) for names in every_command(cli)}


@pytest.mark.parametrize("group", [[], ["import"], ["trace"], ["items"]], ids=" ".join)
def test_a_group_called_bare_shows_its_help(recmind, group):
    assert recmind(*group) == recmind(*group, "--help")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["recomend"], "No such command 'recomend'. Did you mean 'recommend'? (see: recmind --help)"),
        (["import", "dmeo"], "No such command 'dmeo'. Did you mean 'demo'? (see: recmind import --help)"),
        (["recommend", "--usr", "1"], "No such option '--usr'. Did you mean '--user'? (see: recmind recommend --help)"),
        (["recommend", "-k", "0"], "Invalid value for '-k': 0 is not in the range 1<=x<=100."),
        (["recommend", "-k", "101"], "Invalid value for '-k': 101 is not in the range 1<=x<=100."),
        (["recommend", "-k", "ten"], "Invalid value for '-k': 'ten' is not a valid integer range."),
        (["recommend", "like", "Alien"], 'Put the request in quotes: recmind recommend "..."'),
        (
            ["recommend", "--strategy", "guess"],
            "Invalid value for '--strategy': 'guess' is not one of 'react', 'self-inspiring'.",
        ),
        (["recommend", "--user"], "Option '--user' requires an argument."),
        (["import", "movielens"], "Missing argument 'DIR'."),
        (["import", "movielens", "nowhere"], "Invalid value for 'DIR': Directory 'nowhere' does not exist."),
        (["import", "table"], "Give at least one of --items, --interactions, --users."),
        (["import", "table", "--items", "no.csv"], "Invalid value for '--items': File 'no.csv' does not exist."),
        (["forget"], "Missing argument 'USER'."),
        (["items", "remove"], "Missing argument 'ID...'."),
        (["trace", "list", "-n", "0"], "Invalid value for '-n': 0 is not in the range 1<=x<=10000."),
        (["index", "now"], "Got unexpected extra argument (now)"),
        (["schema", "--home", __file__], "Invalid value for '--home': Directory "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and len(value) < 4 else "",
)
def test_wrong_usage_is_one_line_and_exit_code_2(recmind, words, told):
    done = recmind(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"recmind: error: {told}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["info"],
        ["index"],
        ["recommend", "x"],
        ["trace", "list"],
        ["trace", "show"],
        ["forget", "x"],
        ["items", "remove", "x"],
    ],
)
def test_a_missing_workspace_says_the_next_step(recmind, tmp_path, words):
    done = recmind(*words, "--home", tmp_path / "none")
    assert (done.code, done.out) == (2, "")
    assert f"recmind import demo --home '{tmp_path / 'none'}'" in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_with_json_an_error_is_an_object_on_stdout(recmind, tmp_path):
    done = recmind("info", "--json", "--home", tmp_path)
    assert (done.code, done.err) == (2, "")
    assert done.json["type"] == "WorkspaceError"
    assert "recmind import demo" in done.json["error"]
    usage = recmind("--json", "recommend", "-k", "0")
    assert (usage.code, usage.err) == (2, "")
    assert usage.json["error"].startswith("Invalid value for '-k'")


def test_home_is_taken_before_and_after_the_command_and_from_the_environment(recmind, home, tmp_path, monkeypatch):
    expected = recmind("info", "--home", home)
    assert expected.code == 0
    assert recmind("--home", home, "info") == expected
    assert recmind("--home", tmp_path / "none", "info", "--home", home) == expected
    monkeypatch.setenv("RECMIND_HOME", str(home))
    assert recmind("info") == expected


def test_json_is_taken_before_and_after_the_command(recmind, home):
    assert recmind("--json", "info", "--home", home).json == recmind("info", "--home", home, "--json").json
    assert recmind("trace", "--json", "list", "--home", home).json == {"traces": []}


def application(raised: BaseException) -> Application:
    """A command line whose only command fails."""

    def fail() -> None:
        raise raised

    group = Application(name="recmind")
    group.add_command(Command("fail", callback=fail))
    return group


def test_a_surprise_is_one_line_with_its_type_and_a_hint(capsys):
    with pytest.raises(SystemExit) as left:
        application(KeyError("lost")).main(["fail"])
    assert left.value.code == 1
    assert capsys.readouterr() == (
        "",
        "recmind: error: KeyError: 'lost' (set RECMIND_DEBUG=1 to see where it comes from)\n",
    )


def test_debug_shows_where_a_surprise_comes_from(capsys, monkeypatch):
    monkeypatch.setenv("RECMIND_DEBUG", "1")
    with pytest.raises(SystemExit):
        application(ValueError("odd")).main(["fail"])
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "recmind: error: ValueError: odd" in told


def test_an_error_of_ours_says_only_its_line(capsys):
    with pytest.raises(SystemExit) as left:
        application(RecMindError("The disk is full.")).main(["fail"])
    assert (left.value.code, capsys.readouterr().err) == (1, "recmind: error: The disk is full.\n")

    rows = [BadRow("a.csv", n, "no title") for n in range(1, 13)]
    with pytest.raises(SystemExit) as left:
        application(ImportFailed("12 rows are bad.", rows)).main(["fail"])
    lines = capsys.readouterr().err.splitlines()
    assert left.value.code == 2
    assert lines[:2] == ["recmind: error: 12 rows are bad.", "  a.csv:1: no title"]
    assert (len(lines), lines[-1]) == (12, "  ... and 2 more")

    with pytest.raises(SystemExit):
        application(ImportFailed("12 rows are bad.", rows)).main(["fail", "--json"])
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 12


def test_an_interrupt_leaves_with_130(capsys):
    with pytest.raises(SystemExit) as left:
        application(KeyboardInterrupt()).main(["fail"])
    assert left.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def script(*words: str, **options) -> subprocess.CompletedProcess:
    code = "from recmind.agent.cli import main; main()"
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False, **options)


def test_help_imports_nothing_heavy():
    code = f"import sys, recmind.agent.cli; print([name for name in {HEAVY} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert script("--help").returncode == 0


@pytest.mark.parametrize(("words", "imported"), [(["--help"], []), (["recommend", "--help"], ["pydantic"])], ids=str)
def test_asking_for_help_imports_no_more_than_the_options_take(words, imported):
    told = f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    code = f"import sys; from recmind.agent.cli import cli; cli({words}, standalone_mode=False); {told}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage: ")
    assert done.stderr == f"{imported}\n"


def test_a_reader_who_goes_away_is_no_error(home):
    code = "from recmind.agent.cli import main; main()"
    words = [sys.executable, "-c", code, "info", "--home", str(home)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        running.stdout.close()
        assert running.stderr.read() == ""


def test_the_version_is_told():
    assert script("--version").stdout == f"recmind {version('recmind')}\n"
