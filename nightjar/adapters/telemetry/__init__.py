"""What the stages of a night take: measured, and sent by OpenTelemetry."""
