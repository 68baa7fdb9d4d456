"""The one door for commands and screens: look, start, stop, watch, ask. One file per noun; none loads a model.

What only a person can answer (a passphrase, which name is theirs) is passed in as a function.
"""
