"""Programs that do the bridge's work with fewer promises, told what to do by the variables in `bench.peers`."""
