#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "raw_client.h"

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/// The place in `sums`, which goes up, of the first sum above a random share of the last one.
static int pick(const double *sums, int count) {
    double wanted = (double)(next_random() >> 11) / 9007199254740992.0 * sums[count - 1];
    int low = 0, high = count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (sums[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int raw_fill(const char *brokers, const char *topic, int partitions, int64_t per_partition, int size, enum raw_keys keys,
             int key_count, int by_key) {
    char error[512];
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "linger.ms", "50") || !raw_set(conf, "batch.num.messages", "10000") ||
        !raw_set(conf, "queue.buffering.max.messages", "1000000"))
        return -1;
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (!client) return -1;
    double *sums = calloc((size_t)key_count, sizeof(double));
    char *payload = malloc((size_t)size);
    memset(payload, 'x', (size_t)size);
    for (int i = 0; i < key_count; i++)
        sums[i] = (i > 0 ? sums[i - 1] : 0) + (keys == RAW_KEYS_ZIPF ? 1.0 / (i + 1) : 1.0);

    rd_kafka_resp_err_t failure = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int64_t i = 0; i < per_partition && !failure; i++) {
        for (int partition = 0; partition < partitions && !failure; partition++) {
            char key[32];
            int number = keys == RAW_KEYS_ONE       ? 0
                         : keys == RAW_KEYS_IN_TURN ? (int)((i * partitions + partition) % key_count)
                                                    : pick(sums, key_count);
            int length = snprintf(key, sizeof(key), "key-%d", number);
            do {
                failure = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(by_key ? number % partitions : partition),
                                            RD_KAFKA_V_KEY(key, (size_t)length), RD_KAFKA_V_VALUE(payload, (size_t)size),
                                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
                if (failure == RD_KAFKA_RESP_ERR__QUEUE_FULL) rd_kafka_poll(client, 10);
            } while (failure == RD_KAFKA_RESP_ERR__QUEUE_FULL);
            rd_kafka_poll(client, 0);
        }
    }
    if (!failure) failure = rd_kafka_flush(client, 60000);
    free(sums);
    free(payload);
    rd_kafka_destroy(client);
    return failure;
}
