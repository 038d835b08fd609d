"""OpenTelemetry: spans, metrics and logs over OTLP. Loaded only where an OTEL_* variable asks for it."""
