"""The commands of `track-bridge backfill`, in the order in which they are typed."""
