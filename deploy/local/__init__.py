"""The whole stack on one machine: PostgreSQL, certificates, both sandboxes, the five services."""
