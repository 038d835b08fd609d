"""From the bytes of a message to what expressions see: generated readers, and the careful one behind them."""
