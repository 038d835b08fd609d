"""Writes what of the chart follows from other files: ``python -m scripts.chart`` (or `make chart`)."""
