"""The group as a whole: what Kafka shows of it and what each replica says, made one view for whoever shows it."""
