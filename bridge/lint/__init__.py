"""What a configuration that loads is perhaps not meant to say: findings with a code, a place and what to do."""
