"""All of them by name: the ten of docs/cookbook.md, and some more."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.proposal import databases, schemas, services
from tests.support.proposal.made import Make

COOKBOOK: Mapping[str, Make] = {
    "1 avro": schemas.orders_in_avro,
    "2 debezium": databases.users_by_debezium,
    "3 outbox": databases.outbox,
    "4 segment": services.calls_of_segment,
    "5 mongodb": databases.tasks_of_mongodb,
    "6 batch": services.batches_of_a_tracker,
    "7 stripe": services.events_of_stripe,
    "8 snowplow": services.events_of_snowplow,
    "9 eventbridge": services.events_of_eventbridge,
    "10 protobuf": schemas.orders_in_protobuf,
}
MORE: Mapping[str, Make] = {
    "outbox rows": databases.rows_of_an_outbox,
    "log shipper": services.lines_of_a_log_shipper,
    "shopify": services.webhooks_of_shopify,
    "salesforce": databases.accounts_of_salesforce,
    "connect": databases.invoices_of_connect,
    "cloudevents": services.cloud_events,
    "plain": services.plain_events,
}
TOPICS: Mapping[str, Make] = {**COOKBOOK, **MORE}
