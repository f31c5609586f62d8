"""How a program ended, in words."""

from __future__ import annotations

from tools.shell import Completed


def ended_as(ended: Completed, timeout: float) -> str:
    """The first line of a result."""
    if ended.cancelled:
        return f"[stopped by the person after {ended.seconds:.1f} s]"
    if ended.timed_out:
        return f"[stopped: it took longer than {timeout:g} s]"
    return f"[exit code {ended.code}, {ended.seconds:.1f} s]"
