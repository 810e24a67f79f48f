#include <librdkafka/rdkafka.h>

#include "common.h"
#include "raw_client.h"

int raw_idle(const char *brokers, const char *topic, const char *group, double seconds, double *cpu_seconds) {
    rd_kafka_t *client = raw_consumer(brokers, topic, group, "latest");
    if (!client) return -1;

    // Long enough for the first join of a group.
    double start = raw_now();
    double cpu_start = 0;
    int is_measuring = 0;
    while (raw_now() - start < seconds + 5) {
        if (!is_measuring && raw_now() - start >= 5) {
            is_measuring = 1;
            cpu_start = raw_cpu_seconds();
        }
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        if (message) rd_kafka_message_destroy(message);
    }
    *cpu_seconds = raw_cpu_seconds() - cpu_start;
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
