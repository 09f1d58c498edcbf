"""The provider's invoice API: the client, its transport, and the reading of its JSON into the domain."""
