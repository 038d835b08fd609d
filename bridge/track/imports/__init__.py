"""Files of history sent to the API, and the jobs that it makes of them."""
