"""Keys: where they come from, what is derived from them, and how they end."""

from governance.keys.root import KEY_FORMAT, RootKey, load_root, new_root, store_key

__all__ = ["KEY_FORMAT", "RootKey", "load_root", "new_root", "store_key"]
