"""Dead letters in the console: searched, looked into, sent again and settled, by the code of `track-bridge dlq`."""
