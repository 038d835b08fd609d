"""`track-bridge demo`: the main job on sample events, with everything it needs inside one process."""
