"""From sampled records to a first configuration: what they are, what their fields mean, a file that says so. Pure."""
