"""When to do what: the command line, the state machine, the model in the loop."""
