"""The emulated Track API as a command: faults by flag, a line for each request, and a page of what came."""
