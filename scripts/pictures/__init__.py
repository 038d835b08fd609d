"""The pictures of the pages, drawn from the code's own words: ``python -m scripts.pictures docs/pictures``."""
