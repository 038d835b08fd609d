"""Programs that do the bridge's work with fewer promises. Each is told what to do by the same variables, see `bench.peers`."""
