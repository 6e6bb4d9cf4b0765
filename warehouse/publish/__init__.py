"""What the board receives: certified counts, written in many forms, approved by two people."""
