"""From a record to the requests it becomes: decode, route, filter or map, encode. Pure: no I/O, no clock of its own."""
