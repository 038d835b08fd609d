"""What is written under `lint`: the codes there are, and what of their findings is meant so."""
