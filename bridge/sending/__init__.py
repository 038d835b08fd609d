"""A file of records sent beside live traffic: what it comes to, and the job that does it, for whoever asks for it."""
