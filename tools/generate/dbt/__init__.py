"""The dbt generator: sources, staging, models, change logs, properties, tests."""
