"""What is looked at now and then beside the record's way: Kafka, the group, files, dead letters, shares."""
