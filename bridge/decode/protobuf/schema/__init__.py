"""What a schema declares: descriptors and .proto texts, read into nodes, and looked up by name."""
