"""What each run did, as lines that a machine reads: times, memory and counts, never a value."""
