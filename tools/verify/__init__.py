"""The proof, in tiers: static, rules, build, properties."""
