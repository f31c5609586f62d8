"""What lies in the work tree of a run, read back."""

from __future__ import annotations

from agent.nodes.context import Context
from agent.state import RunState
from tools.artifact import Artifact, Authorship, Origin
from tools.findings import Finding, Fix, Location, Severity
from tools.lock import on_disk


def read_artifacts(state: RunState, context: Context) -> tuple[Artifact, ...]:
    """The pipeline's files as they are on disk now; those that are gone are left out."""
    root, pipeline = context.tree(state), state["pipeline"]
    found = []
    for file in state.get("files", []):
        if file["owner"] not in (pipeline, "workspace") or file["change"] == "removed":
            continue
        text = on_disk(root, file["path"])
        if text is not None:
            by = Authorship(**file["by"]) if "by" in file else None
            origin: Origin = "authored" if by else "compiled"
            found.append(Artifact(file["path"], text, origin, file["owner"], by))
    return tuple(found)


def drifted(state: RunState, artifacts: tuple[Artifact, ...]) -> tuple[Finding, ...]:
    """Files that are not as the run wrote them; writing them again mends that."""
    there = {artifact.path: artifact.sha256 for artifact in artifacts}
    found = []
    for file in state.get("files", []):
        path = file["path"]
        ours = file["owner"] in (state["pipeline"], "workspace")
        if not ours or file["change"] == "removed" or there.get(path) == file["sha256"]:
            continue
        what = "is gone from" if path not in there else "is not as the run wrote it in"
        found.append(
            Finding(
                "LOCK002",
                Severity.ERROR,
                f"{path} {what} the work tree",
                Location(path),
                hint="it is written again",
                subject=path,
                fix=Fix("restore_file", path),
            )
        )
    return tuple(found)
