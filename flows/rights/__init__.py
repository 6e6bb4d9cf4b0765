"""Requests of people: taken in, found, applied, answered, and kept to after a restore."""
