"""The wheel works on its own: outside this repo, in an environment that has nothing else of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tracked import ROOT, tracked

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("package")]


def _run(
    *argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the files that git knows and nothing else."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((ROOT / path).read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    done = _run(*pip, "--wheel-dir", out, ".", cwd=source)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("specmill-*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """An environment that has specmill from the wheel, and its dependencies from here."""

    bin: Path

    def call(self, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Runs specmill as a person would who has never seen this repo."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SPECMILL_"))}
        return _run(self.bin / "specmill", *argv, cwd=cwd, env=kept)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A fresh environment with the wheel; the dependencies are lent by the running one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    bin_folder = home / ("Scripts" if os.name == "nt" else "bin")
    argv = ("-m", "pip", "--python", bin_folder / "python", "install", "--quiet", "--no-deps")
    done = _run(sys.executable, *argv, "--no-index", wheel, cwd=home)
    assert done.returncode == 0, done.stderr
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(_run(bin_folder / "python", "-c", asked, cwd=home).stdout.strip())
    # Added after the environment's own folder, so that specmill comes from the wheel; the folder is
    # no site folder of this environment, so an editable specmill in it does not count.
    lent = "\n".join(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
    (site / "lent.pth").write_text(lent + "\n", encoding="utf-8")
    return Installed(bin_folder)


def test_content_ships_inside_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    content = ("constitution", "workflows", "specs")
    wanted = {f"tools/content/{p.as_posix()}" for p in tracked() if p.parts[0] in content}
    wanted |= {p.as_posix() for p in tracked() if p.parts[0] in ("agent", "tools")}
    assert any(name.startswith("tools/content/specs/data/") for name in wanted)
    assert any(name.startswith("tools/generate/dbt/macros/") for name in wanted)
    assert sorted(wanted - names) == []


def test_nothing_else_ships_inside_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agent", "tools"}


def test_specmill_of_the_wheel_is_the_one_that_runs(installed: Installed, tmp_path: Path) -> None:
    asked = "import agent, tools; print(agent.__file__); print(tools.__file__)"
    done = _run(installed.bin / "python", "-P", "-c", asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(ROOT) not in done.stdout
    assert installed.call("--version", cwd=tmp_path).stdout.startswith("specmill ")


def test_init_then_run_in_an_empty_folder(installed: Installed, tmp_path: Path) -> None:
    made = installed.call("init", cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (tmp_path / "specs" / "data" / "order.csv").is_file()
    done = installed.call("run", "specs/dim_order.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    branch = _run("git", "rev-parse", "--verify", "specmill/dim_order", cwd=tmp_path)
    assert branch.returncode == 0
    listed = _run("git", "ls-tree", "-r", "--name-only", "specmill/dim_order", cwd=tmp_path).stdout
    for path in (
        "generated/dbt/models/marts/dim_order.sql",
        "generated/review/dim_order.md",
        "specmill.lock",
    ):
        assert path in listed.splitlines()


def test_the_first_spec_of_readme_runs_in_a_new_workspace(
    installed: Installed, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n# (specs/\w+\.yaml)\n(.*?)```", readme, re.DOTALL)
    assert found
    assert installed.call("init", cwd=tmp_path).returncode == 0
    (tmp_path / found[1]).write_text(found[2], encoding="utf-8")
    done = installed.call("run", found[1], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_check_and_constitution_hold_in_a_new_workspace(
    installed: Installed, tmp_path: Path
) -> None:
    assert installed.call("init", cwd=tmp_path).returncode == 0
    for argv in (("check",), ("constitution", "test"), ("workflow", "list")):
        done = installed.call(*argv, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
