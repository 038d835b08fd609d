"""A mapping tried out in the console: on a record that somebody pastes or takes from a topic, and on its examples."""
