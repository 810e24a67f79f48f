#include <librdkafka/rdkafka.h>

#include "common.h"
#include "raw_client.h"

struct member {
    int is_assigned;
    int rounds;
    int failed;
    double *seconds;
};

/// Commits an offset of each partition, waits for that, and gives the partitions back.
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t kind, rd_kafka_topic_partition_list_t *partitions,
                         void *opaque) {
    struct member *member = opaque;
    if (kind == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        rd_kafka_assign(client, partitions);
        member->is_assigned = 1;
        return;
    }
    double start = raw_now();
    for (int i = 0; i < partitions->cnt; i++) partitions->elems[i].offset = 1;
    if (rd_kafka_commit(client, partitions, 0)) member->failed = 1;
    rd_kafka_assign(client, NULL);
    member->seconds[member->rounds++] = raw_now() - start;
    member->is_assigned = 0;
}

int raw_rebalance(const char *brokers, const char *topic, const char *group, int rounds, void (*ask)(void *),
                  void *argument, double *seconds) {
    char error[512];
    // One more: leaving gives the partitions back as well.
    double times[rounds + 1];
    struct member member = {0, 0, 0, times};
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "group.id", group) || !raw_set(conf, "enable.auto.commit", "false") ||
        !raw_set(conf, "session.timeout.ms", "4000") || !raw_set(conf, "heartbeat.interval.ms", "300"))
        return -1;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_opaque(conf, &member);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (!client) return -1;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    int asked = 0;
    while (!failure && member.rounds < rounds) {
        if (member.is_assigned && asked == member.rounds) {
            ask(argument);
            asked++;
        }
        rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
        if (message) rd_kafka_message_destroy(message);
    }
    for (int i = 0; i < rounds; i++) seconds[i] = times[i];
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return failure ? (int)failure : member.failed ? -1 : 0;
}
