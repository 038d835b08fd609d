"""Schema registries over HTTP: which schema a reference means, what is kept of it, and what to do when none answers."""
