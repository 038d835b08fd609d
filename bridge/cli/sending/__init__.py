"""What ``send`` does: one record after asking, or a file of them in order."""
