"""What `bridge check` looks at: one file per subject, each a pure judgement over facts that were asked for before."""
