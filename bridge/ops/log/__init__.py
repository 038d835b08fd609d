"""The log: which events there are, and how a line of it is written."""
