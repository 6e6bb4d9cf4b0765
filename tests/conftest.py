"""How properties are tried: on few examples, and by `make test-slow` on ten times as many."""

from hypothesis import settings

FEW = settings.get_profile("default").max_examples

# A busy machine is slow; that is not what a property is about.
settings.register_profile("few", deadline=None)
settings.register_profile("thorough", max_examples=10 * FEW, deadline=None)
settings.load_profile("few")
