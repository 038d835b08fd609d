"""What turns the pages as they stand in the repository into those of the site (`make site`)."""
