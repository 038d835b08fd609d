"""The files of a run sent to the API: each once, in order, one job at a time."""
