"""The local half of a release: one version in every place, builds that are the same twice, a wheel that was tried."""
