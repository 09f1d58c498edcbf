"""The methods of the Bot API, by subject. Each takes the state and a call, and returns its result for JSON."""
