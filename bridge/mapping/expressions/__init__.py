"""Values and conditions of a mapping: paths, queries, conversions, and the code generated of them."""
