"""Keys: where they come from, what is derived from them, and how they end."""

from governance.keys.root import PurposeKey, RootKey

__all__ = ["PurposeKey", "RootKey"]
