"""The releases that are kept, and where a figure in one comes from."""
