"""Backups: the whole partnership in one sealed file, and the way back from it.

A backup is made under the run lock, so it is of one moment, while people go on reading. It is
sealed to the public half of a key that only its custodian has, and holds none of the partnership's
keys: whoever has a backup has nothing without both. It is restored onto an empty machine, verified
first and put in place whole, and what was erased since it was made is erased again by the next run.
"""
