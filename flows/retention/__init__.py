"""What is kept and until when, and deleting it with a receipt."""
