"""What each kind of route makes of a record: an event, an identified user, a company, a user to forget."""
