"""Whether the next request may go: rate, outage, key, membership of the group."""
