"""The provider's invoice API: the client, its transport, and the way from its JSON to the domain."""
