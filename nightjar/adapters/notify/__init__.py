"""Messages that leave Nightjar: alerts for people, webhooks for programs, the heartbeat."""
