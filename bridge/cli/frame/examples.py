"""One or more command lines of every command and group, each with what it does; their helps show them.

By the name as it is typed after ``bridge``; "" is for all commands together. Long lines would be wrapped where nobody
can copy them any more: at most 72 characters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

Example = tuple[str, str]
"""What it does, and the command line without the program's name."""

EXAMPLES: Final[Mapping[str, Sequence[Example]]] = {
    "": (
        ("Look at everything a configuration needs, then run it", "check -c bridge.yaml"),
        ("", "run -c bridge.yaml"),
    ),
    "demo": (("Watch it, without Kafka and without an account", "demo"),),
    "run": (("Deliver events until told to stop", "run -c bridge.yaml"),),
    "check": (
        ("Look at everything, and forecast how long the backlog takes", "check -c bridge.yaml"),
        ("In a build, where neither Kafka nor the API can be reached", "check --offline --json"),
    ),
    "map": (
        ("What the records of a file become, one value a line", "map orders.ndjson --topic shop.orders"),
        ("What the newest 1000 records of a consumed topic become", "map --from-topic shop.orders"),
        (
            "What those of another topic would become, were they of shop.orders",
            "map --from-topic shop.orders.v2 --topic shop.orders",
        ),
    ),
    "send": (
        ("Send one record, after showing its request and asking", "send event.json --topic shop.orders"),
        ("Send all of a file with a fifth of the rate limit", "send --file lost.ndjson --rate 20% --yes"),
        ("Resume where it was interrupted", "send --file lost.ndjson --from-line 4711"),
    ),
    "test": (("Run the examples of the mapping", "test -c bridge.yaml"),),
    "status": (
        ("Ask the bridge on this machine", "status"),
        ("Watch another one", "status --url bridge.internal:9464 --watch"),
        ("Ask where a configuration says that it listens", "status -c bridge.yaml"),
    ),
    "hold": (
        ("All partitions of this replica", "hold shop.orders --reason 'wrong amounts since 14:00'"),
        ("One of them, in a script", "hold shop.orders --partition 3 --reason 'poison' --yes --json"),
        ("Without a question, as on each pod by kubectl exec", "hold shop.orders --reason 'wrong amounts' --yes"),
    ),
    "release": (
        ("Go on where it was held", "release shop.orders"),
        ("One partition, in a script", "release shop.orders --partition 3 --yes --json"),
    ),
    "selftest": (
        ("Faults against an embedded Kafka and API", "selftest"),
        ("The same with the own mapping, longer", "selftest -c bridge.yaml --events 50000 --duration 300"),
    ),
    "schema": (
        ("The schema of bridge.yaml, for an editor", "schema > bridge.schema.json"),
        ("Which others there are", "schema --list"),
    ),
    "topics": (("See which topics the bridge needs and are missing", "topics create --dry-run"),),
    "topics create": (
        ("See what would be created", "topics create --dry-run"),
        ("Create both topics without being asked", "topics create --retention 60d --yes"),
    ),
    "dlq": (
        ("Count the open dead letters", "dlq stats"),
        ("Look at one", "dlq show 3:1207"),
        ("Send those again whose route is fixed now", "dlq replay --route order.completed --dry-run"),
    ),
    "dlq stats": (("How many are open since yesterday, and why", "dlq stats --since 24h"),),
    "dlq list": (("Those that the API rejected", "dlq list --reason rejected --limit 20"),),
    "dlq show": (("By partition and offset in the dead-letter topic", "dlq show 3:1207"),),
    "dlq replay": (
        ("See what would be sent, and what has changed", "dlq replay --reason unmappable --dry-run"),
        ("Send it with a fifth of the rate limit", "dlq replay --reason unmappable --rate 20%"),
    ),
    "dlq discard": (("Settle those of a test user", 'dlq discard --user test-1 --because "a test user"'),),
    "dlq export": (("Into a file, to correct records by hand", "dlq export --unredacted -o letters.ndjson"),),
    "dlq import": (("Take the corrected records back", 'dlq import letters.ndjson --note "amounts in cents"'),),
    "offsets": (("The committed offsets of a topic, and what is wrong", "offsets show shop.orders"),),
    "offsets show": (("One partition", "offsets show shop.orders/3"),),
    "offsets set": (
        ("See what continuing at the log's start would pass", "offsets set shop.orders/3 --to earliest --dry-run"),
        ("Do it, although 400 records are gone", "offsets set shop.orders/3 --to earliest --accept-loss 400"),
    ),
}
