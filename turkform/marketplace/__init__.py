"""The marketplace: a server that speaks the Mechanical Turk Requester API, an island of its own."""
