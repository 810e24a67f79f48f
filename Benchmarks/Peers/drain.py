"""Reads MESSAGES messages of a topic in a group of its own; prints what it measured from the first to the last as JSON.

    drain.py BROKERS TOPIC MESSAGES
"""

import sys
import uuid

from confluent_kafka import Consumer

from measurement import Stopwatch


def main(brokers, topic, messages):
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": f"bench-{uuid.uuid4()}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    stopwatch, seen = None, 0
    while seen < messages:
        batch = consumer.consume(num_messages=1000, timeout=0.1)
        taken = sum(1 for message in batch if message.error() is None)
        if taken and stopwatch is None:
            stopwatch = Stopwatch()
        seen += taken
    stopwatch.report(seen)
    consumer.close()


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
