#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "raw_client.h"

struct state {
    int64_t done;
    int64_t failed;
};

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct state *state = opaque;
    state->done++;
    if (message->err) state->failed++;
}

static rd_kafka_t *make(const char *brokers, const char *requests, struct state *state) {
    char error[512];
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "enable.idempotence", "true") || !raw_set(conf, "linger.ms", "0") ||
        !raw_set(conf, "partitioner", "fnv1a_random") || !raw_set(conf, "socket.nagle.disable", "true") ||
        !raw_set(conf, "max.in.flight.requests.per.connection", requests))
        return NULL;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, state);
    return rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
}

static int send_one(rd_kafka_topic_t *handle, char *payload, int size, int number) {
    char key[32];
    int length = snprintf(key, sizeof(key), "key-%d", number);
    return rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, key,
                            (size_t)length, NULL);
}

int raw_callers(const char *brokers, const char *topic, int64_t messages, int size, int key_count, int outstanding,
                const char *requests, struct raw_result *result) {
    struct state state = {0, 0};
    rd_kafka_t *client = make(brokers, requests, &state);
    if (!client) return -1;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    char *payload = malloc((size_t)size);
    memset(payload, 'x', (size_t)size);

    // The first one finds the brokers; it is not counted.
    send_one(handle, payload, size, 0);
    rd_kafka_flush(client, 30000);
    int64_t before = state.done, sent = 0;
    struct raw_clock clock;
    raw_begin(&clock);
    while (state.done - before < messages) {
        while (sent < messages && sent - (state.done - before) < outstanding)
            send_one(handle, payload, size, (int)(sent++ % key_count));
        rd_kafka_poll(client, 100);
    }
    raw_end(&clock, messages, result);
    free(payload);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return state.failed > 0 ? -1 : 0;
}

int raw_latency(const char *brokers, const char *topic, int samples, int size, double *seconds) {
    struct state state = {0, 0};
    rd_kafka_t *client = make(brokers, "5", &state);
    if (!client) return -1;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(client, topic, NULL);
    char *payload = malloc((size_t)size);
    memset(payload, 'x', (size_t)size);
    for (int i = -100; i < samples; i++) {
        if (i == 0) raw_begin_allocations();
        double start = raw_now();
        int64_t before = state.done;
        if (send_one(handle, payload, size, 0) == -1) return (int)rd_kafka_last_error();
        while (state.done == before) rd_kafka_poll(client, 1000);
        // The first ones find the brokers and warm up.
        if (i >= 0) seconds[i] = raw_now() - start;
    }
    raw_end_allocations();
    free(payload);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(client);
    return state.failed > 0 ? -1 : 0;
}
