"""Protobuf: descriptors read, and from them the readers of messages. Nothing here asks a registry or opens a file."""
