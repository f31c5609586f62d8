"""What specmill costs: start, ``check`` on many specs, ``run`` against plain dbt."""
