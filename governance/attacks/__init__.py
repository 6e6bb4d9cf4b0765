"""The published attacks on encoded records, and the ones this encoding invites, run against it.

The attacker has stolen the identity store and its key, and knows the whole algorithm, how common
each name is, and a plain list of people of whom some are in the store. It has no identifier key, so
it encodes its own list under a key of its own and looks for what the two have in common.

Each attack is a pure function from what the attacker holds to guesses; `scoring` alone knows the
truth. Encodings known to be weak are attacked by the same code: if they stand, nothing is proved.
"""
