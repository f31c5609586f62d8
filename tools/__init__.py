"""Everything that runs without a model: specs, rules, plans, generation, proof, review."""
