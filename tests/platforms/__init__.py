"""Whether the bridge works where it is said to: on another processor, and with the Python of the image."""
