"""The entry point: ``specmill`` and ``python -m agent``."""

from __future__ import annotations

from agent.cli import cli


def main() -> None:
    """Runs the command line; never returns."""
    cli.main(prog_name="specmill")


if __name__ == "__main__":
    main()
