"""What is said where nothing can listen at an address."""

import errno
import socket

import pytest

from bridge.text.listening import cannot_listen


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.EADDRINUSE, "x"), "(Address already in use); end what uses the port, or choose another address"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "(Cannot assign requested address); no interface of this machine has"),
        (socket.gaierror(-2, "Name or service not known"), "(Name or service not known); no interface of this machine"),
        (OSError("could not bind on any address out of []"), "[]); no interface of this machine has this address"),
        (OSError(errno.EACCES, "x"), "(Permission denied); this user may not have the port: choose one of 1024"),
    ],
)
def test_the_advice_is_for_what_happened(error: OSError, advice: str) -> None:
    said = cannot_listen("1.2.3.4:80", error)
    assert said.startswith("cannot listen on 1.2.3.4:80 (")
    assert advice in said
