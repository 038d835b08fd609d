"""Topics that hold what hosted services and trackers tell."""

# ruff: noqa: E501 - records are wide

from __future__ import annotations

import json
from typing import Any

from tests.support.proposal.made import PEOPLE, Maker, Right, Topic, iso


def calls_of_segment() -> Topic:
    made = Maker("segment.calls", 4)
    for number in range(60):
        moment, own = made.when(number), made.uuid()
        user = None if number % 11 == 0 else f"u-{number % 13}"
        anonymous = f"anon-{number % 17}"
        call: dict[str, Any] = {
            "messageId": f"ajs-{own}", "userId": user, "anonymousId": anonymous, "timestamp": iso(moment),
            "originalTimestamp": iso(moment), "receivedAt": iso(moment), "sentAt": iso(moment), "version": 2,
            "context": {
                "ip": f"10.0.0.{number}", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)", "locale": "en-US",
                "library": {"name": "analytics.js", "version": "2.1.0"},
                "page": {"path": "/pricing", "url": "https://shop.test/pricing", "title": "Pricing"},
            },
            "integrations": {},
        }  # fmt: skip
        kind = made.chance.choice(["track", "track", "track", "page", "identify"])
        call["type"] = kind
        name: str | None = None
        if kind == "track":
            name = made.chance.choice(["Order Completed", "Trial Started", "Invite Sent"])
            call["event"] = name
            call["properties"] = {
                "total": number + 0.5,
                "plan": made.chance.choice(["free", "pro"]),
                "email": f"{PEOPLE[number % 12]}@mail.test",
            }
        elif kind == "page":
            name = "Page Viewed"
            call["name"] = "Pricing"
            call["properties"] = {"path": "/pricing", "url": "https://shop.test/pricing"}
        else:
            call["traits"] = {"email": f"{PEOPLE[number % 12]}@mail.test", "plan": "pro"}
        call = {key: value for key, value in call.items() if value is not None}
        right = (Right(name, user or anonymous, moment, call["messageId"]),) if name else ()
        made.add(call, *right, key=user or anonymous, at=moment)
    return made.done()


def batches_of_a_tracker() -> Topic:
    made = Maker("web.batches", 6)
    for number in range(40):
        start = made.when(number)
        events, right = [], []
        for _ in range(made.chance.randrange(1, 5)):
            name, own, user = (
                made.chance.choice(["search", "add_to_cart", "signup"]),
                made.uuid(),
                f"u-{made.chance.randrange(20)}",
            )
            events.append(
                {"name": name, "user": user, "id": own, "at": iso(start), "text": made.chance.choice(["kafka", "avro"])}
            )
            title = {"search": "Search", "add_to_cart": "Add To Cart", "signup": "Signup"}[name]
            right.append(Right(title, user, start, own))
        made.add({"source": "web", "sdk": "1.4.2", "events": events}, *right, at=start)
    return made.done()


def events_of_stripe() -> Topic:
    made = Maker("stripe.events", 7)
    for number in range(50):
        moment = made.when(number).replace(microsecond=0)
        kind = made.chance.choice(
            ["invoice.paid", "customer.subscription.updated", "charge.refunded", "invoice.payment_failed"]
        )
        user, own = f"u-{made.chance.randrange(12)}", f"evt_1N{made.chance.getrandbits(60):x}"
        body = {
            "id": f"in_{number:08d}", "object": kind.split(".", maxsplit=1)[0], "currency": "eur", "livemode": True,
            "customer": f"cus_{user}", "metadata": {"user_id": user}, "created": int(moment.timestamp()) - 4000,
        }  # fmt: skip
        if kind.startswith("invoice"):
            body |= {
                "amount_paid": 1250 + number,
                "billing_reason": "subscription_cycle",
                "customer_email": "ada@mail.test",
            }
        value = {
            "id": own, "object": "event", "api_version": "2024-06-20", "created": int(moment.timestamp()), "type": kind,
            "data": {"object": body}, "livemode": True, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
        }  # fmt: skip
        name = {
            "invoice.paid": "Invoice Paid", "customer.subscription.updated": "Customer Subscription Updated",
            "charge.refunded": "Charge Refunded", "invoice.payment_failed": "Invoice Payment Failed",
        }[kind]  # fmt: skip
        made.add(value, Right(name, user, moment, own), at=moment)
    return made.done()


def events_of_snowplow() -> Topic:
    made = Maker("snowplow.enriched", 8)
    for number in range(56):
        moment, own = made.when(number), made.uuid()
        kind = made.chance.choice(["link_click", "page_view", "page_ping", "submit_form"])
        user = f"u-{number % 9}"
        value = {
            "app_id": "shop", "platform": "web", "etl_tstamp": f"{moment:%Y-%m-%d %H:%M:%S}.900",
            "collector_tstamp": f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            "event": "unstruct" if kind in {"link_click", "submit_form"} else kind, "event_id": own, "txn_id": None,
            "name_tracker": "sp", "v_tracker": "js-3.1.0", "user_id": user, "user_ipaddress": f"10.0.1.{number}",
            "domain_userid": made.uuid(), "domain_sessionidx": 3, "network_userid": made.uuid(), "geo_country": "DE",
            "geo_city": "Berlin", "page_url": "https://shop.test/pro", "page_urlpath": "/pro", "page_title": "Pro",
            "useragent": "Mozilla/5.0", "event_vendor": "com.snowplowanalytics.snowplow", "event_name": kind,
            "event_format": "jsonschema", "event_version": "1-0-0", "event_fingerprint": None,
        }  # fmt: skip
        name = {"link_click": "Link Clicked", "page_view": "Page Viewed", "submit_form": "Submit Form"}.get(kind)
        stored = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        right = (Right(name, user, stored, own),) if name else ()
        made.add(value, *right, key=user, at=moment)
    return made.done()


def events_of_eventbridge() -> Topic:
    made = Maker("aws.events", 9)
    for number in range(45):
        moment, own = made.when(number).replace(microsecond=0), made.uuid()
        kind = made.chance.choice(["Order Placed", "Order Shipped", "Refund Requested"])
        user = f"u-{made.chance.randrange(15)}"
        value = {
            "version": "0", "id": own, "detail-type": kind, "source": "shop.orders", "account": "123456789012",
            "time": iso(moment, millis=False), "region": made.chance.choice(["eu-central-1", "eu-west-1"]), "resources": [],
            "detail": {"userId": user, "total": 12.5 + number, "orderNumber": 400 + number, "customer": {"firstName": "Ada"}},
        }  # fmt: skip
        made.add(value, Right(kind, user, moment, own), at=moment)
    return made.done()


def webhooks_of_shopify() -> Topic:
    made = Maker("shopify.webhooks", 11)
    for number in range(48):
        moment, own = made.when(number).replace(microsecond=0), made.uuid()
        topic = made.chance.choice(["orders/create", "orders/paid", "checkouts/update"])
        customer = 6940000000000 + number % 10
        value = {
            "id": 5500000000000 + number // 2, "admin_graphql_api_id": f"gid://shopify/Order/{number}", "created_at": "2026-02-01T10:00:00-05:00",
            "updated_at": moment.isoformat(), "currency": "USD", "total_price": f"{number + 10}.00", "email": "jon@mail.test",
            "financial_status": "paid", "test": False, "note": None,
            "customer": {"id": customer, "email": "jon@mail.test", "first_name": "Jon", "orders_count": 3, "state": "enabled"},
            "line_items": [{"id": 1, "sku": "A", "quantity": 2, "price": "5.00"}],
        }  # fmt: skip
        headers = {"X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "shop.test", "X-Shopify-Webhook-Id": own}
        name = {"orders/create": "Order Created", "orders/paid": "Order Paid", "checkouts/update": "Checkout Updated"}[
            topic
        ]
        made.add(value, Right(name, str(customer), moment, own), headers=headers, at=moment)
    return made.done()


def cloud_events() -> Topic:
    made = Maker("shop.events", 14)
    for number in range(44):
        moment, own = made.when(number), made.uuid()
        kind, user = (
            made.chance.choice(["com.acme.shop.order.placed.v1", "com.acme.shop.order.shipped.v1"]),
            f"u-{number % 8}",
        )
        headers = {
            "ce_specversion": "1.0", "ce_type": kind, "ce_source": "/shop", "ce_id": own, "ce_subject": f"order-{number}",
            "ce_time": iso(moment), "content-type": "application/json",
        }  # fmt: skip
        value = {"customerId": user, "amount": number + 0.25, "channel": made.chance.choice(["web", "app"])}
        name = "Order Placed" if ".placed" in kind else "Order Shipped"
        made.add(value, Right(name, user, moment, own), headers=headers, key=f"order-{number}", at=moment)
    return made.done()


def plain_events() -> Topic:
    """The README's own form."""
    made = Maker("shop.orders", 15)
    for number in range(80):
        moment, own = made.when(number), f"e-{number}"
        kind = made.chance.choice(["order.completed", "order.cancelled", "account.created", "cart.item_added"])
        user = f"u-{made.chance.randrange(16)}"
        data = {
            "customer": {"id": user, "email": "x@mail.test"},
            "total": {"amount": 10.5 + number, "currency": "EUR"},
            "coupon": None,
        }
        value = {"type": kind, "id": own, "time": iso(moment), "data": data}
        name = {
            "order.completed": "Order Completed",
            "order.cancelled": "Order Cancelled",
            "account.created": "Account Created",
            "cart.item_added": "Cart Item Added",
        }[kind]
        made.add(value, Right(name, user, moment, own), key=user, at=moment)
    return made.done()


def lines_of_a_log_shipper() -> Topic:
    """What a service logs as JSON, in a text, with the shipper's own fields around it."""
    made = Maker("logs.shop", 15)
    for number in range(60):
        moment, own, user = made.when(number), made.uuid(), f"u-{number % 13}"
        kind = made.chance.choice(["cart.opened", "order.placed"])
        logged = {
            "event": kind, "event_id": own, "user_id": user, "plan": made.chance.choice(["free", "pro"]),
            "occurred_at": iso(moment), "client": {"ip": f"10.0.0.{number}"},
        }  # fmt: skip
        value = {
            "@timestamp": iso(moment), "host": {"name": f"web-{number % 3}"}, "agent": {"type": "filebeat", "version": "8.1.0"},
            "log": {"file": {"path": "/var/log/shop.log"}, "offset": 210 * number}, "message": json.dumps(logged),
        }  # fmt: skip
        name = {"cart.opened": "Cart Opened", "order.placed": "Order Placed"}[kind]
        made.add(value, Right(name, user, moment, own), at=moment)
    return made.done()
