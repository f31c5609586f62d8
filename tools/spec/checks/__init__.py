"""What lint checks in one spec: a file for each concern, found by this folder's registry."""
