"""The models of a dbt project that has no spec: what can be shown of them, and what takes one."""
