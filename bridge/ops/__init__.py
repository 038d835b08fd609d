"""What an operator sees and says: metrics, log, health, status, control socket. Pure but for its two servers."""
