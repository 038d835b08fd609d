"""The HTTP pages for probes, Prometheus and `track-bridge status`: their server, and the client of one of them."""
