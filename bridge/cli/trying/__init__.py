"""Commands to try the bridge with: the Track API emulated, and a playground with everything around."""
