"""The code held against the spec: the oracle tier, the mutants tier, and the verdicts of both."""
