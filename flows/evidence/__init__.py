"""The folder of evidence that an officer is given: its parts, its page, its signature."""
