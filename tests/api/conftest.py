"""What API tests share: signed calls through Django's handler, markets and accounts."""
