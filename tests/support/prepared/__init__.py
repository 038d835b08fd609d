"""Programs of the bridge in processes of their own, without half a second of start and imports each."""
