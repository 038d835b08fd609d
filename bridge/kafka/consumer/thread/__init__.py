"""What every part of the poll thread works with."""
