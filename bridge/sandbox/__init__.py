"""A whole small world in one process: an embedded Kafka, an emulated Track API, sample events."""
