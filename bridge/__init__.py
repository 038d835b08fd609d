"""Sends domain events from Kafka to the Userpilot Track API."""

__version__ = "0.1.0"
