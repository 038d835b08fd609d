"""Samples of what comes in and what goes out, for whoever watches on this machine."""
