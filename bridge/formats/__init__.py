"""What outlives a process and another one reads: writer and reader of each side by side, as in `schemas/`. Pure."""
