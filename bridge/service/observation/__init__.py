"""One moment of the running bridge, put together for whoever asks."""
