"""The playground: an embedded Kafka with a live shop, the emulated Track API, a bridge and its console, to touch."""
