"""A file sent from the console: taken over in memory, looked at, confirmed, watched."""
