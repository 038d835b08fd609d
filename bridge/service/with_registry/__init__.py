"""What a bridge with a schema registry has beside: look-ups for the pipeline, what is shown of them, late schemas."""
