"""From the text of a file and the environment to one tree, each value with its place. Knows no section."""
