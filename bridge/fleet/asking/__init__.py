"""What of Kafka is asked with care: members, replays, dead letters."""
