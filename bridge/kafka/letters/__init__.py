"""Dead letters and resolutions: written by one producer, read as logs, shared out among replays."""
