"""The simulated crowd: seeded workers who do at the workers' site over HTTP what people's browsers do."""
