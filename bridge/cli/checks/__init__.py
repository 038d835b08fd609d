"""What `track-bridge check` looks at: one file per subject, each a pure judgement over facts asked for before."""
