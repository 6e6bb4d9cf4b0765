"""Who may open what, and which controls of others' lists are met here: data that officers read."""
