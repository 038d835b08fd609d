"""Where a partition starts: what is asked, how it is decided, and how that is carried out."""
