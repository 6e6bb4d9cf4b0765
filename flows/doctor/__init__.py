"""Looking an installation over: what is right, what will go wrong, and what to do about it.

Nothing is changed by looking, but for files of its own that are tried and removed again.
"""
