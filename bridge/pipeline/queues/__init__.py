"""Where events wait: one behind another of their user, ready to be sent, or until their next attempt."""
