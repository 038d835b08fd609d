"""The API over HTTP: requests, connections, what an answer means, the key."""
