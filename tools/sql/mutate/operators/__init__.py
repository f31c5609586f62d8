"""The mutation operators: every module here is one; its docstring says the fault it stands for."""
