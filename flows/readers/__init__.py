"""Who reads what: questions, files of roles, looks into stores, and why each was asked."""
