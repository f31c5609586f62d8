"""specmill verify: the checks of a run on what lies in the workspace now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, events_option, examples, level_option


@click.command(
    short_help="Check the generated code as it lies here.",
    epilog=examples(
        "specmill verify",
        "specmill verify specs/dim_order.yaml --level quick",
        "specmill verify --explain dim_order",
        "specmill verify --against main",
        "specmill verify specs/dim_order.yaml --against HEAD~1 --json",
        "specmill verify --project ../shop_dbt",
        "specmill verify --project . --select fct_orders --select dim_customer",
    ),
)
@click.argument("specs", type=SPEC, nargs=-1, metavar="[SPEC...]")
@level_option
@click.option("--explain", metavar="MODEL", default="", help="Show all that is known of one model.")
@click.option("--fresh", is_flag=True, help="Take nothing from former runs; prove it all anew.")
@click.option(
    "--against",
    metavar="REV",
    default=None,
    help="Compare with the code at a git revision, on the same rows.",
)
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=None,
    help="Check a dbt project that has no spec; nothing in it is changed.",
)
@click.option(
    "--select",
    metavar="MODEL",
    multiple=True,
    help="With --project: only this model; may be given several times.",
)
@click.option(
    "--propose",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default=None,
    help="Write proposed unit tests here instead of below .specmill; takes --level full.",
)
@events_option
@click.pass_obj
def verify(
    session: Session,
    specs: tuple[Path, ...],
    *,
    level: str | None,
    explain: str,
    fresh: bool,
    against: str | None,
    project: Path | None,
    select: tuple[str, ...],
    propose: Path | None,
    as_json: bool,
) -> int:
    """Checks generated code as it lies in the workspace, or on the branch of a run.

    Runs the tiers static, rules, build, oracle, properties and (full) mutants:
    the code is parsed, held against the constitution, built on DuckDB, held
    against the spec on rows made to tell right from wrong, run again, and
    faults are planted in it to see whether all this could fail. Each column
    gets a verdict. Changes nothing. What was not run is listed.

    What a model was shown to be is kept by content below .specmill/proof: its
    code and spec, those of what it reads, and specmill itself. While that is
    as it was, the verdict is taken from there and says since when. A model that
    was refuted is always judged again; with --fresh, everything is.

    With --against, the code of both revisions runs on the same rows: which
    rows, values, types and metrics moved is said for each column. Exit code 0
    if nothing moved, 1 if something did or could not be compared.

    With --project, the models of any dbt project are tried: whether they run,
    give the same when run again, are the same loaded bit by bit, and whether
    the tests of the project notice faults. Whether a value is right takes a
    spec to say. Exit code 1 if a model is shown to be wrong in itself.
    """
    _check(specs, explain, against, project, select)
    if fresh and (project is not None or against is not None):
        raise _not_with_fresh("--project" if project is not None else "--against")
    if project is not None:
        return _project(session, project, select, level, as_json=as_json)
    if against is not None:
        return _against(session, specs, against, as_json=as_json)
    wanted = Wanted(level, explain, fresh=fresh)
    return _specs(session, specs, wanted, propose, as_json=as_json)


@dataclass(frozen=True)
class Wanted:
    """How specs are to be checked."""

    level: str | None
    explain: str
    fresh: bool


def _not_with_fresh(other: str) -> Exception:
    from tools.errors import UsageError

    return UsageError(f"{other} takes nothing from former runs", "leave --fresh out")


def _check(
    specs: tuple[Path, ...],
    explain: str,
    against: str | None,
    project: Path | None,
    select: tuple[str, ...],
) -> None:
    """Refuses options that do not go together."""
    from tools.errors import UsageError

    if select and project is None:
        raise UsageError("--select names models of --project DIR", "add --project DIR")
    if project is not None and (specs or against or explain):
        other = "a SPEC" if specs else "--against" if against else "--explain"
        raise UsageError(
            f"--project checks a project without a spec; {other} does not go with it",
            "leave one of them out",
        )
    if against is not None and explain:
        raise UsageError("--explain does not go with --against", "leave one of them out")


def _check_propose(specs: int, level: str) -> None:
    from tools.errors import UsageError

    if specs != 1:
        raise UsageError("--propose FILE is about one pipeline", "name one SPEC")
    if level == "quick":
        raise UsageError("--propose takes the faults that are planted", "add --level full")


def _specs(
    session: Session,
    specs: tuple[Path, ...],
    wanted: Wanted,
    propose: Path | None,
    *,
    as_json: bool,
) -> int:
    from agent.terminal.progress import Progress
    from tools.verify.worker import DbtWorker

    workspace = session.workspace()
    settings = session.settings(workspace).with_flags(level=wanted.level)
    if propose is not None:
        _check_propose(len(specs), settings.level)
    with DbtWorker(workspace.state, query_seconds=settings.query_seconds) as worker:
        from agent.proposals import with_proposals
        from agent.terminal.summary import print_verified
        from agent.verifying import verify_specs

        codes = []
        with Progress(session.terminal.err, quiet=as_json) as progress:
            every = verify_specs(
                workspace, settings, specs, worker, progress,
                explain=wanted.explain, fresh=wanted.fresh,
            )  # fmt: skip
            for found in every:
                verified = with_proposals(found, workspace, propose)
                if as_json:
                    session.emit_line({"event": "verified", **verified.to_json()})
                else:
                    print_verified(session.terminal.out, verified, wanted.explain)
                codes.append(verified.exit_code)
    return next((code for code in codes if code), 0)


def _against(session: Session, specs: tuple[Path, ...], rev: str, *, as_json: bool) -> int:
    """Compares with a revision; one JSON document of all pipelines."""
    from agent.terminal.progress import Progress
    from tools.verify.worker import DbtWorker

    workspace = session.workspace()
    settings = session.settings(workspace)
    with DbtWorker(workspace.state, query_seconds=settings.query_seconds) as worker:
        from agent.against import compare_specs
        from agent.terminal.regression import print_regression

        found = []
        with Progress(session.terminal.err, quiet=as_json) as progress:
            regressions = compare_specs(
                workspace, settings, specs, rev, worker=worker, progress=progress
            )
            for regression in regressions:
                found.append(regression)
                if not as_json:
                    print_regression(session.terminal.out, regression)
    moved = any(regression.moved for regression in found)
    if as_json:
        pipelines = [regression.to_json() for regression in found]
        session.emit({"ok": not moved, "against": rev, "pipelines": pipelines})
    return 1 if moved else 0


def _project(
    session: Session, folder: Path, select: tuple[str, ...], level: str | None, *, as_json: bool
) -> int:
    """Checks a dbt project; one JSON document."""
    from agent.terminal.progress import Progress

    with Progress(session.terminal.err, quiet=as_json) as progress:
        from agent.project import verify_project
        from agent.terminal.project import print_project

        report = verify_project(folder, select, level, progress)
    if as_json:
        session.emit(report.to_json())
    else:
        print_project(session.terminal.out, report)
    return 0 if report.ok else 1
