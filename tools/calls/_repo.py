"""The repository of a work tree."""

from __future__ import annotations

from tools.calls._specs import told
from tools.desk import Desk, ToolError
from tools.repo import Repo


def opened(desk: Desk) -> Repo:
    """The repository.

    Raises:
        ToolError: there is none, or git does not work here.
    """
    with told():
        repo = Repo.open(desk.root)
    if repo is None:
        raise ToolError("this folder is in no git repository.")
    return repo
