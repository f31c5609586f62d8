"""The arguments of equivalence: every module here is one; its docstring shows why it holds."""
