"""The way to a registry: addresses, connections, logins."""
