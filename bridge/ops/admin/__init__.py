"""The HTTP pages for probes, Prometheus and `bridge status`: their server, and the client of one of them."""
