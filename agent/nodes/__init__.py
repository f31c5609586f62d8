"""The nodes of the state machine: state in, update out."""
