"""What somebody hands over to be read: lines of a file, of standard input or of an upload, and the records in them."""
