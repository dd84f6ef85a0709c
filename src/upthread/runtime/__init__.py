"""What every process shares: serving, logs, metrics, health, time."""
