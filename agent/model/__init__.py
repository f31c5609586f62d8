"""Models: one protocol, the real one, a scripted one, a recorded one."""
