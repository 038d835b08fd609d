"""What expressions can call beside JMESPath's own: texts, pairs, what is inside of a text, what a change changed."""
