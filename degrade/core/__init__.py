"""What everything else stands on: types, random streams, the op contract, the registry and errors."""
