"""The member of the group: one thread that polls, starts partitions, and commits what is done."""
