"""What an operator orders of the running bridge, over its control socket or the network."""
