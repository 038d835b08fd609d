"""All that speaks to Kafka: the consumer, dead letters and resolutions, and looking at a cluster."""
