"""The marketplace: a server that speaks the Mechanical Turk Requester API; it imports nothing else of turkform."""
