"""`track-bridge explain`: what may be asked, and how the answer looks in a terminal."""
