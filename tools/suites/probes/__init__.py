"""Programs for a project's own Python, alone in a folder that goes on its path."""
