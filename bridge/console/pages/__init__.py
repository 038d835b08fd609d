"""The pages: each a file here, and the template of the same name."""
