"""Whatever is wrong: file, line, what, what to do; no traceback, no debris."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.agent.conftest import Cli
from tests.agent.support import CASES, environment, make_engine
from tools.errors import ProgramMissing
from tools.verify.worker import DbtWorker

GOOD = (CASES / "orders.yaml").read_text()
SPEC = Path("specs/orders.yaml")
BOMB = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


def swap(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


SECOND = """\
  - name: a
    from: b
    grain: [order_id]
  - name: b
    from: a
    grain: [order_id]
"""

CASES_OF_SPECS: dict[str, tuple[str, str, str]] = {
    # name: the text of the spec, a part of its line that is to be named, words of the message
    "not YAML": ("pipeline: [orders\nmodels: }\n", "models: }", ""),
    "a tab as indentation": (swap("    system:", "\tsystem:"), "\tsystem", ""),
    "empty": ("", "", "empty"),
    "a list": ("- pipeline: orders\n", "- pipeline", "list"),
    "a YAML bomb": (BOMB + GOOD, "", ""),
    "a duplicate key": (GOOD + "owner: else\n", "owner: else", "owner"),
    "an unknown key": (swap("    grain:", "    graim:"), "    graim", "grain"),
    "a wrong type": (swap("primary_key: [order_id]", "primary_key: {a: 1}"), "primary_key:", ""),
    "a version that is none": (swap("1.0.0", "one"), "version: one", "version"),
    "a cycle": (GOOD + SECOND, "from: b", "cycle"),
    "a name that leaves": (swap("name: fct_orders", "name: ../fct_orders"), "name: ../fct", "name"),
    "a name with a quote": (swap("name: fct_orders", 'name: fct"orders'), 'name: fct"', "name"),
    "a name with a newline": (
        swap("name: fct_orders", 'name: "fct\\norders"'),
        'name: "fct',
        "name",
    ),
    "SQL that does not parse": (swap("lower({status})", "lower({status}"), "lower({status}", ""),
    "SQL with two statements": (
        swap("lower({status})", "lower({status}); drop table x"),
        "drop table",
        "",
    ),
    "a column that is not there": (swap("{status}", "{statsu}"), "{statsu}", "status"),
    "a source that is not there": (
        swap("from: shop.order", "from: shop.orders"),
        "from: shop.orders",
        "order",
    ),
}


def snapshot(root: Path) -> dict[str, bytes]:
    skip = {".git", ".specmill"}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not skip & set(path.relative_to(root).parts)
    }


@pytest.mark.parametrize("name", CASES_OF_SPECS)
@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_wrong_spec(workspace: Path, run_cli: Cli, name: str, command: str) -> None:
    text, part, says = CASES_OF_SPECS[name]
    SPEC.write_text(text)
    before = snapshot(workspace)
    result = run_cli(command, str(SPEC))
    said = result.stdout + result.stderr
    assert result.exit_code == 1, said
    assert "Traceback" not in said
    assert says in said
    where = f"specs/orders.yaml:{line_of(text, part)}" if part else "specs/orders.yaml"
    assert re.search(re.escape(where) + r"(?!\d)", said), said
    assert "→" in said or "expected" in said, "nothing says what to do"
    assert snapshot(workspace) == before


@pytest.mark.parametrize("name", ["a duplicate key", "a cycle", "a column that is not there"])
def test_a_wrong_spec_as_json(workspace: Path, run_cli: Cli, name: str) -> None:
    SPEC.write_text(CASES_OF_SPECS[name][0])
    for command in ("check", "plan"):
        document = json.loads(run_cli(command, str(SPEC), "--json").stdout)
        assert document["ok"] is False
        found = document.get("findings") or document["error"]["findings"]
        assert found[0]["location"]["path"] == "specs/orders.yaml"
        assert found[0]["location"]["line"] > 0


def test_fifty_megabytes(workspace: Path, run_cli: Cli) -> None:
    with SPEC.open("w") as stream:
        stream.write(GOOD)
        stream.write("# a line of a comment that says nothing\n" * 1_250_000)
    result = run_cli("check", str(SPEC))
    assert result.exit_code == 1
    assert "too large" in result.stdout
    assert "MB" in result.stdout


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\x00\x01", "pipeline: \ud800".encode("utf-8", "surrogatepass")]
)
def test_bytes_that_are_no_text(workspace: Path, run_cli: Cli, content: bytes) -> None:
    SPEC.write_bytes(content)
    result = run_cli("check", str(SPEC))
    assert result.exit_code == 1
    assert "specs/orders.yaml" in result.stdout


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("workflows/build-pipeline.md", "no frontmatter\n", "workflows/build-pipeline.md:1"),
        ("workflows/build-pipeline.md", "---\nname: x\nstesp: []\n---\n", "build-pipeline.md:3"),
        ("constitution/01.md", "## A1 X {#A1}\n\n```rule\nlevl: MUST\n```\n", "constitution/01.md"),
        ("specmill.toml", "levle = 1\n", "specmill.toml:1"),
        ("specmill.lock", "{", "specmill.lock:1"),
    ],
)  # fmt: skip
def test_another_file_is_wrong(
    workspace: Path, run_cli: Cli, file: str, text: str, says: str
) -> None:
    (workspace / file).parent.mkdir(exist_ok=True)
    (workspace / file).write_text(text)
    before = snapshot(workspace)
    result = run_cli("run", str(SPEC), "--no-commit")
    assert result.exit_code == 1, result.stderr
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert snapshot(workspace) == before


def test_one_wrong_spec_does_not_keep_another_from_running(workspace: Path, run_cli: Cli) -> None:
    (workspace / "specs" / "broken.yaml").write_text("pipeline: [\n")
    checked = run_cli("check")
    assert checked.exit_code == 1
    assert "specs/broken.yaml" in checked.stdout
    assert run_cli("plan", str(SPEC)).exit_code == 0


def test_no_repository(workspace: Path, run_cli: Cli) -> None:
    (workspace / ".git").rename(workspace.parent / "gone")
    before = snapshot(workspace)
    result = run_cli("run", str(SPEC))
    assert result.exit_code == 6
    said = " ".join(result.stderr.split())
    assert "not in a git repository" in said
    assert "git init" in said
    assert "--no-commit" in said
    assert snapshot(workspace) == before


def test_dbt_is_missing(workspace: Path) -> None:
    hello = 'print(\'{"hello": {"missing": "No module named dbt"}}\', flush=True)'
    hello = f"import time; {hello}; time.sleep(60)"
    engine = make_engine(workspace)
    engine.worker = DbtWorker(workspace / ".specmill", command=[sys.executable, "-c", hello])
    with engine.worker, pytest.raises(ProgramMissing, match="No module named dbt") as caught:
        engine.start(SPEC)
    assert "pip install" in caught.value.remedy


ENDLESS = """with recursive steps as (select 1 as step union all select -step as step from steps)
select order_id, status, amount
from {{ ref('stg_shop__order') }}
where (select count(*) from steps) > 0
"""


@pytest.mark.slow
def test_a_model_that_never_ends(
    workspace: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_cli("run", str(SPEC), "--no-commit").exit_code == 0
    model = workspace / "generated/dbt/models/marts/fct_orders.sql"
    head = model.read_text().partition("\nselect")[0]
    model.write_text(f"{head}\n{ENDLESS}")
    monkeypatch.setenv("SPECMILL_QUERY_SECONDS", "1")
    result = run_cli("verify", str(SPEC), "--json")
    assert result.exit_code == 1, result.stderr
    (line,) = (json.loads(line) for line in result.stdout.splitlines() if "verified" in line)
    errors = [f for f in line["outcome"]["report"] if f["severity"] == "error"]
    assert [(f["code"], f["subject"]) for f in errors] == [("DBT001", "fct_orders")]
    assert errors[0]["location"]["path"].endswith("models/marts/fct_orders.sql")
    assert "the query took longer than 1 seconds" in errors[0]["message"]
    nodes = {n["name"]: n["status"] for n in line["outcome"]["nodes"] if n["kind"] == "model"}
    assert nodes == {"stg_shop__order": "success", "fct_orders": "error"}


def limited(limit: int) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return apply


@pytest.mark.parametrize("size", [0, 700, 5_000, 30_000])
def test_a_full_disk(workspace: Path, size: int) -> None:
    """A limit on the size of files stands for a full disk: writes fail in the middle."""
    before = snapshot(workspace)
    done = subprocess.run(
        [sys.executable, "-m", "agent", "run", str(SPEC), "--no-commit"],
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=limited(size),
        check=False,
    )
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    after = snapshot(workspace)
    for path, content in after.items():
        assert path in before or content.endswith(b"\n"), f"{path} is half written"
        assert ".specmill-" not in path, "a temporary file is left"


@pytest.mark.parametrize("link", ["/proc/self", "/dev/null"])
def test_a_state_folder_that_cannot_be_written(workspace: Path, run_cli: Cli, link: str) -> None:
    (workspace / ".specmill").symlink_to(link)
    result = run_cli("run", str(SPEC), "--no-commit")
    assert result.exit_code == 6, result.stderr
    assert "can be written" in " ".join(result.stderr.split())


TOKENS = st.sampled_from(
    [
        *("", "\n", "\t", "\x00", " "),
        *"- { } [ ] : ' \" null ~ &a *a !!python/x % 🦆 select ( ) ; -- {{ {% ../ 1e999".split(),
        *"0x on , | >".split(),
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(GOOD)), length=st.integers(0, 40), token=TOKENS)
def test_a_mutated_spec_never_shows_a_traceback(
    workspace: Path, run_cli: Cli, at: int, length: int, token: str
) -> None:
    SPEC.write_text(GOOD[:at] + token + GOOD[at + length :])
    result = run_cli("plan", str(SPEC))
    assert result.exit_code in (0, 1), result.stderr
    assert "Traceback" not in result.stderr
    if result.exit_code == 1:
        assert "specs/orders.yaml" in result.stderr
