"""The commands of `bridge backfill`, in the order in which they are typed."""
