"""RunState: what a run knows, as plain JSON data, so that any process can go on with it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

GRAPH_VERSION = 1
"""Raised whenever a checkpoint of an older graph could not be continued by this one."""

Json = dict[str, Any]


class FileState(TypedDict):
    """A file that the run made: its path in the workspace, its pipeline, what became of it.

    ``by`` is :class:`tools.artifact.Authorship` as JSON, for an authored file.
    """

    path: str
    sha256: str
    owner: str
    change: Literal["new", "changed", "same", "removed"]
    by: NotRequired[Json]


class Stop(TypedDict):
    """Why a run ended before its last step."""

    exit_code: int
    reason: str
    remedy: str


class RunState(TypedDict):
    """The state of one run of one spec; every value is JSON.

    ``lint`` is what was found in the spec, ``questions`` what is open in it, ``findings`` what
    the newest check found; ``outcome`` is ``tools.verify.outcome.Outcome`` as JSON; ``patches``
    are the deterministic repairs made so far (``tools.findings.Fix`` as JSON), applied again
    whenever code is generated; ``tree`` is where files are written, relative to the workspace;
    ``targets`` are the platforms that the spec names beside DuckDB;
    ``reading`` is how rules in prose were read (:mod:`agent.nodes.reading`); ``rewrites`` are texts
    that a repair wrote, by path: ``sha256`` and ``by``; ``met`` are the digests of the findings of
    each repair by a model; ``refusals`` is what a model was refused, in words;
    ``path`` is the digest of the workflow and of the names of its steps, which must not change
    under a run; ``seconds`` and ``details`` are by step.
    """

    run: str
    graph_version: int
    spec: str
    target: str
    level: str
    commit: bool
    workflow: str
    path: str
    pipeline: str
    version: str
    digest: str
    plan: NotRequired[Json]
    targets: NotRequired[list[str]]
    lint: NotRequired[list[Json]]
    questions: NotRequired[list[Json]]
    findings: NotRequired[list[Json]]
    files: NotRequired[list[FileState]]
    tree: NotRequired[str]
    branch: NotRequired[str]
    base: NotRequired[str]
    related: NotRequired[bool]
    outcome: NotRequired[Json]
    patches: NotRequired[list[Json]]
    rounds: NotRequired[int]
    undone: NotRequired[list[str]]
    lacking: NotRequired[str]
    reading: NotRequired[Json]
    rewrites: NotRequired[dict[str, Json]]
    met: NotRequired[list[str]]
    refusals: NotRequired[list[Json]]
    approvals: NotRequired[list[Json]]
    review: NotRequired[str]
    commit_id: NotRequired[str]
    committed: NotRequired[bool]
    seconds: NotRequired[dict[str, float]]
    details: NotRequired[dict[str, str]]
    stop: NotRequired[Stop]
