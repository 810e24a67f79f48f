"""Sends MESSAGES messages of 100 bytes under a thousand keys and waits for all reports; prints what it measured as JSON.

    produce.py BROKERS TOPIC MESSAGES
"""

import sys

from confluent_kafka import Producer

from measurement import Stopwatch


def main(brokers, topic, messages):
    producer = Producer(
        {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "linger.ms": 5,
            "partitioner": "fnv1a_random",
        }
    )
    keys, value = [f"key-{number}".encode() for number in range(1000)], b"x" * 100
    failures = []

    def told(error, _):
        if error is not None:
            failures.append(error)

    # Finds the brokers.
    producer.produce(topic, value, keys[0], on_delivery=told)
    producer.flush(30)
    stopwatch = Stopwatch()
    for number in range(messages):
        while True:
            try:
                producer.produce(topic, value, keys[number % 1000], on_delivery=told)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 100 == 0:
            producer.poll(0)
    left = producer.flush(60)
    stopwatch.report(messages)
    if failures or left:
        sys.exit(f"{len(failures)} failed, {left} were not sent")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
