"""Looks at a cluster and a group without being a member; creates topics and writes committed offsets."""
