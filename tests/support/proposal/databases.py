"""Topics that connectors write out of databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.support.proposal.made import PEOPLE, Maker, Right, Topic, iso, ms


def users_by_debezium() -> Topic:
    """PostgreSQL's changes with their schema, as JsonConverter writes them; a snapshot comes first."""
    made = Maker("app.public.users", 2)
    schema = {"type": "struct", "optional": False, "name": "app.public.users.Envelope", "version": 2}
    for number in range(54):
        moment = made.when(number).replace(microsecond=0)
        user = number % 12 + 1
        op = "r" if number < 6 else "d" if number % 17 == 0 else "c" if number < 18 else "u"
        row = {
            "id": user, "email": f"{PEOPLE[user - 1].lower()}@mail.test", "full_name": PEOPLE[user - 1],
            "plan": made.chance.choice(["free", "pro", "team"]), "seats": made.chance.randrange(1, 40),
            "created_at": 1760000000000000 + user, "deleted_at": None,
        }  # fmt: skip
        source = {
            "version": "3.0.0.Final", "connector": "postgresql", "name": "app", "ts_ms": ms(moment),
            "snapshot": "true" if op == "r" else "false", "db": "app", "sequence": f'[null,"{number}"]',
            "schema": "public", "table": "users", "txId": 500 + number, "lsn": 24023128 + number, "xmin": None,
        }  # fmt: skip
        payload = {
            "before": row if op in "ud" else None, "after": None if op == "d" else {**row, "plan": "pro"},
            "source": source, "transaction": None, "op": op, "ts_ms": ms(moment) + 300,
        }  # fmt: skip
        name = {"c": "User Created", "u": "User Updated", "d": "User Deleted"}.get(op)
        right = (Right(name, str(user), moment, "debezium"),) if name else ()
        key = {"schema": {"type": "struct"}, "payload": {"id": user}}
        made.add({"schema": schema, "payload": payload}, *right, key=key, at=moment)
    return made.done()


def tasks_of_mongodb() -> Topic:
    """Documents as texts that hold JSON, with MongoDB's own types in it."""
    made = Maker("app.tasks", 5)
    for number in range(48):
        moment = made.when(number).replace(microsecond=0)
        user = f"u-{100 + number % 9}"
        op = "u" if number % 3 else "c"
        document = {
            "_id": {"$oid": f"65f0{number:020x}"}, "userId": user, "project": made.chance.choice(["apollo", "gemini"]),
            "title": f"Task {number}", "done": op == "u", "points": made.chance.randrange(1, 13),
        }  # fmt: skip
        value = {
            "before": None, "after": json.dumps(document), "updateDescription": None,
            "source": {
                "connector": "mongodb", "name": "app", "ts_ms": ms(moment), "snapshot": "false", "db": "app",
                "collection": "tasks", "ord": number % 4 + 1, "lsid": None, "txnNumber": None,
            },
            "op": op, "ts_ms": ms(moment) + 120, "transaction": None,
        }  # fmt: skip
        name = "Task Created" if op == "c" else "Task Updated"
        made.add(value, Right(name, user, moment), key={"id": json.dumps(document["_id"])}, at=moment)
    return made.done()


def outbox() -> Topic:
    """The outbox's payload is a text; id and type are headers in JsonConverter's quotes."""
    made = Maker("outbox.event.order", 3)
    for number in range(45):
        moment = made.when(number)
        kind = made.chance.choice(["OrderPlaced", "OrderPaid", "OrderCancelled"])
        user, own = f"c-{made.chance.randrange(14)}", made.uuid()
        payload = {"orderId": 7000 + number // 2, "customerId": user, "placedAt": iso(moment), "currency": "EUR"}
        payload |= {"total": made.chance.randrange(500, 9000) / 100} if kind != "OrderCancelled" else {"reason": "late"}
        headers = {"id": f'"{own}"', "eventType": f'"{kind}"'}
        name = {"OrderPlaced": "Order Placed", "OrderPaid": "Order Paid", "OrderCancelled": "Order Cancelled"}[kind]
        value = json.dumps(json.dumps(payload)).encode()
        made.add(value, Right(name, user, moment, own), key=f"order-{7000 + number // 2}", headers=headers, at=moment)
    return made.done()


def rows_of_an_outbox() -> Topic:
    """An outbox table by Debezium without its event router; each row is deleted once it is written."""
    made = Maker("app.public.outbox", 14)
    for number in range(50):
        moment = made.when(number).replace(microsecond=0)
        kind, user = made.chance.choice(["OrderPlaced", "OrderPaid"]), f"c-{made.chance.randrange(14)}"
        payload = {
            "orderId": 7000 + number, "customer_id": user, "placedAt": iso(moment), "total": 10.5 + number,
            "contact": {"email": f"{PEOPLE[number % 12].lower()}@mail.test"}, "lines": [{"sku": "A-1"}],
            "shipping": {"method": made.chance.choice(["post", "courier"])},
        }  # fmt: skip
        row = {
            "id": made.uuid(), "aggregate_type": "order", "aggregate_id": str(7000 + number), "type": kind,
            "payload": json.dumps(payload),
        }  # fmt: skip
        source = {
            "version": "3.0.0.Final", "connector": "postgresql", "name": "app", "ts_ms": ms(moment), "db": "app",
            "snapshot": "false", "schema": "public", "table": "outbox", "txId": 500 + number, "lsn": 24023128 + number,
        }  # fmt: skip
        change = {"source": source, "transaction": None, "ts_ms": ms(moment) + 300}
        name = {"OrderPlaced": "Order Placed", "OrderPaid": "Order Paid"}[kind]
        right, key = Right(name, user, moment, "debezium"), {"id": row["id"]}
        made.add({**change, "before": None, "after": row, "op": "c"}, right, key=key, at=moment)
        if number % 4 == 0:
            deleted = {**change, "before": {"id": row["id"]}, "after": None, "op": "d"}
            made.add(deleted, key=key, at=moment)
    return made.done()


def accounts_of_salesforce() -> Topic:
    """Change Data Capture of one object: what changed is in the header."""
    made = Maker("salesforce.cdc.opportunity", 12)
    for number in range(44):
        moment = made.when(number)
        change = made.chance.choice(["CREATE", "UPDATE", "UPDATE", "DELETE"])
        user = f"0055e000001a{number % 7:03d}AAA"
        header: dict[str, Any] = {
            "entityName": "Opportunity", "recordIds": [f"0065e00000{number:06d}QAA"], "changeType": change,
            "changeOrigin": "com/salesforce/api/rest/63.0", "transactionKey": f"0002{made.uuid()}",
            "sequenceNumber": 1, "commitTimestamp": ms(moment), "commitNumber": 1138000000 + number,
            "commitUser": user, "nulledFields": [], "diffFields": [], "changedFields": ["StageName"],
        }  # fmt: skip
        value: dict[str, Any] = {
            "ChangeEventHeader": header,
            "StageName": made.chance.choice(["Prospecting", "Closed Won"]),
        }
        value |= {"Amount": made.chance.randrange(1000, 90000)} if change == "CREATE" else {}
        name = {"CREATE": "Opportunity Created", "UPDATE": "Opportunity Updated", "DELETE": "Opportunity Deleted"}[
            change
        ]
        right = Right(name, user, datetime.fromtimestamp(ms(moment) / 1000, UTC), header["transactionKey"])
        made.add(value, right, at=moment)
    return made.done()


def invoices_of_connect() -> Topic:
    """A table by the JDBC source, with its schema: the timestamp is a number that the schema gives its meaning."""
    made = Maker("billing.invoices", 13)
    fields = [
        {"field": "invoice_id", "type": "int64", "optional": False},
        {"field": "account_id", "type": "string", "optional": False},
        {"field": "status", "type": "string", "optional": True},
        {
            "field": "total",
            "type": "bytes",
            "optional": True,
            "name": "org.apache.kafka.connect.data.Decimal",
            "version": 1,
            "parameters": {"scale": "2"},
        },
        {
            "field": "updated_at",
            "type": "int64",
            "optional": False,
            "name": "org.apache.kafka.connect.data.Timestamp",
            "version": 1,
        },
    ]
    for number in range(42):
        moment = made.when(number)
        account = f"acc_{number % 10}"
        payload = {
            "invoice_id": 90000 + number, "account_id": account, "status": made.chance.choice(["open", "paid"]),
            "total": "BOI=", "updated_at": ms(moment),
        }  # fmt: skip
        right = Right("Invoice", account, datetime.fromtimestamp(ms(moment) / 1000, UTC), str(90000 + number))
        schema = {"type": "struct", "fields": fields, "optional": False, "name": "invoices"}
        made.add({"schema": schema, "payload": payload}, right, at=moment)
    return made.done()
