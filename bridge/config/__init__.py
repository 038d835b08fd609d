"""The file, the environment, and everything that is wrong with them."""
