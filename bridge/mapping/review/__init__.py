"""What a mapping makes of records, for people: examples, explanations, what it finds and never finds."""
