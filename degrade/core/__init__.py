"""The foundation: types, random streams, the contract of ops, the engine, the registry and errors."""
