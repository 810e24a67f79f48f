#include "common.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "raw_client.h"

double raw_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_seconds(int who) {
    struct rusage usage;
    getrusage(who, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
           (double)usage.ru_stime.tv_usec / 1e6;
}

static int64_t peak_memory(int who) {
    struct rusage usage;
    getrusage(who, &usage);
#ifdef __APPLE__
    return usage.ru_maxrss;
#else
    return usage.ru_maxrss * 1024;
#endif
}

double raw_cpu_seconds(void) { return cpu_seconds(RUSAGE_SELF); }

int64_t raw_peak_memory(void) { return peak_memory(RUSAGE_SELF); }

double raw_children_cpu_seconds(void) { return cpu_seconds(RUSAGE_CHILDREN); }

int64_t raw_children_peak_memory(void) { return peak_memory(RUSAGE_CHILDREN); }

void raw_begin(struct raw_clock *clock) {
    clock->start = raw_now();
    clock->cpu_start = raw_cpu_seconds();
    raw_begin_allocations();
}

void raw_end(const struct raw_clock *clock, int64_t messages, struct raw_result *result) {
    raw_end_allocations();
    result->messages = messages;
    result->seconds = raw_now() - clock->start;
    result->cpu_seconds = raw_cpu_seconds() - clock->cpu_start;
}

rd_kafka_conf_t *raw_conf(const char *brokers) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (!raw_set(conf, "bootstrap.servers", brokers)) return NULL;
    return conf;
}

int raw_set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof(error)) == RD_KAFKA_CONF_OK) return 1;
    fprintf(stderr, "%s\n", error);
    return 0;
}

rd_kafka_t *raw_consumer(const char *brokers, const char *topic, const char *group, const char *reset) {
    char error[512];
    rd_kafka_conf_t *conf = raw_conf(brokers);
    if (!conf || !raw_set(conf, "group.id", group) || !raw_set(conf, "auto.offset.reset", reset)) return NULL;
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    if (!client) return NULL;
    rd_kafka_poll_set_consumer(client);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t failure = rd_kafka_subscribe(client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (!failure) return client;
    rd_kafka_destroy(client);
    return NULL;
}
