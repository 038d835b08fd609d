"""The `/status` document: what it says, what needs someone, what ends by itself."""
