"""What replays and the sending of a file share: a pipeline beside the running bridges, and its budget."""
