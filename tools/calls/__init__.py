"""What a model may call: each module without an underscore is one tool, named as the module.

A tool module has ``EFFECT`` (see :mod:`tools.catalog`) and a function of its own name, whose
signature and docstring are what the model sees. It may have ``preview``, which takes the same
arguments and gives what a person is shown before the call: a diff, or nothing.
"""
