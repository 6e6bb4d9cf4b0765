"""Taking extracts in, at the hub or at the source: read, checked, encoded, sealed, opened."""
