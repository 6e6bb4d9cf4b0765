"""What the sharing agreements come to: how each stands, in words, notices, and what they stop."""
