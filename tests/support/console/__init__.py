"""A console over views of a fleet that were made up: for its tests, and for browsers that judge its pages."""
