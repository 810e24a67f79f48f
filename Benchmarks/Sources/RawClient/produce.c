#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "raw_client.h"

struct deliveries {
    int64_t delivered;
    int64_t failed;
};

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct deliveries *deliveries = opaque;
    if (message->err)
        deliveries->failed++;
    else
        deliveries->delivered++;
}

int raw_produce(const char *brokers, const char *topic, int64_t messages, int size, int key_count, int64_t batch,
                const char *linger, struct raw_result *result) {
    char error[512];
    struct deliveries deliveries = {0, 0};
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "enable.idempotence", "true") || !raw_set(conf, "linger.ms", linger) ||
        !raw_set(conf, "partitioner", "fnv1a_random"))
        return -1;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &deliveries);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!client) return -1;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    char *payload = malloc((size_t)size);
    memset(payload, 'x', (size_t)size);

    struct raw_clock clock;
    for (int64_t i = -1; i < messages; i++) {
        // The first one finds the brokers; it is not counted.
        if (i == 0) {
            rd_kafka_flush(client, 30000);
            raw_begin(&clock);
        }
        char key[32];
        int length = snprintf(key, sizeof(key), "key-%d", (int)((i + 1) % key_count));
        while (rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, key,
                                (size_t)length, NULL) == -1) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) return (int)rd_kafka_last_error();
            rd_kafka_poll(client, 10);
        }
        if (i % 100 == 0) rd_kafka_poll(client, 0);
        // As one who sends a batch and waits for it.
        if (batch > 0 && i >= 0 && (i + 1) % batch == 0)
            while (deliveries.delivered + deliveries.failed < i + 2) rd_kafka_poll(client, 100);
    }
    while (deliveries.delivered + deliveries.failed < messages + 1) rd_kafka_poll(client, 100);
    raw_end(&clock, deliveries.delivered - 1, result);
    free(payload);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return deliveries.failed > 0 ? -1 : 0;
}
