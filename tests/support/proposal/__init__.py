"""Topics as real systems write them, each with what a person who knows it would have every record become."""
