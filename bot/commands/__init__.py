"""The operator's commands on stored data: data, chats, outbox. Their texts are English."""
