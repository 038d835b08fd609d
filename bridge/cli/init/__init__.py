"""``track-bridge init``: asks, samples, proposes, writes a configuration, and looks at what it does."""
