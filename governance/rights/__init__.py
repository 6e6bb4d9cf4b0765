"""Objection and erasure: who is to go, and by what keyed values they are known if they come again.

What is planned here is carried out by `flows`. See docs/adr/0014.
"""
