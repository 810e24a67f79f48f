#include <librdkafka/rdkafka.h>

#include "common.h"
#include "raw_client.h"

int raw_idle(const char *brokers, const char *topic, const char *group, double seconds, double *cpu_seconds) {
    char error[512];
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "group.id", group) || !raw_set(conf, "auto.offset.reset", "latest")) return -1;
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (!client) return -1;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(client, topics);
    rd_kafka_topic_partition_list_destroy(topics);

    // Long enough for the first join of a group.
    double start = raw_now();
    double cpu_start = 0;
    int is_measuring = 0;
    while (!failure && raw_now() - start < seconds + 5) {
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
    return failure;
}
