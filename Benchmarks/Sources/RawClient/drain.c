#include <librdkafka/rdkafka.h>

#include "common.h"
#include "raw_client.h"

/// Messages taken at a time.
#define BATCH 1000

/// What a handler that does nothing costs is not part of either side: the bytes are not looked at.
static int64_t take_batch(rd_kafka_queue_t *queue, rd_kafka_message_t **batch) {
    int64_t messages = 0;
    ssize_t count = rd_kafka_consume_batch_queue(queue, 100, batch, BATCH);
    for (ssize_t i = 0; i < count; i++) {
        if (!batch[i]->err) messages++;
        rd_kafka_message_destroy(batch[i]);
    }
    return messages;
}

static int64_t take_one(rd_kafka_t *client) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
    if (!message) return 0;
    int64_t messages = message->err ? 0 : 1;
    rd_kafka_message_destroy(message);
    return messages;
}

int raw_drain(const char *brokers, const char *topic, const char *group, int64_t messages, enum raw_reading reading,
              struct raw_result *result) {
    rd_kafka_t *client = raw_consumer(brokers, topic, group, "earliest");
    if (!client) return -1;

    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    rd_kafka_message_t *batch[BATCH];
    struct raw_clock clock;
    int64_t seen = 0;
    while (seen < messages) {
        int64_t taken = reading == RAW_READING_BATCH ? take_batch(queue, batch) : take_one(client);
        if (seen == 0 && taken > 0) raw_begin(&clock);
        seen += taken;
    }
    raw_end(&clock, seen, result);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
