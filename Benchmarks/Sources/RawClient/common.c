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

double raw_cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec +
           (double)usage.ru_stime.tv_usec / 1e6;
}

int64_t raw_peak_memory(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return usage.ru_maxrss;
#else
    return usage.ru_maxrss * 1024;
#endif
}

void raw_begin(struct raw_clock *clock) {
    clock->start = raw_now();
    clock->cpu_start = raw_cpu_seconds();
}

void raw_end(const struct raw_clock *clock, int64_t messages, struct raw_result *result) {
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
