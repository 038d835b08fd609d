"""Another mapping out of the same file, taken over while the bridge runs: found, judged, put in the old one's place."""
