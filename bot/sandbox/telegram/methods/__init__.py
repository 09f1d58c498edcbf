"""The methods of the Bot API, in modules by what they are about. Each takes the state and a call."""
