"""The audit record as a log that its operator cannot rewrite unseen: hashes, signatures, proofs.

Nothing here reads or writes a file or a database; `governance.control` keeps the rows and
`flows.record.checkpoints` the checkpoints.
"""
