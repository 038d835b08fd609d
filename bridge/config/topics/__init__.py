"""Which topics are meant: names and patterns as Kafka's brokers and its client read them."""
