"""The socket on which a running bridge takes an operator's orders: its server, client and messages."""
