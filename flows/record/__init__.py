"""The audit record at work: checkpoints, witnesses, exports and signatures."""
