"""What JSON has no type for, as expressions see it: every format that has such values has them the same way."""
