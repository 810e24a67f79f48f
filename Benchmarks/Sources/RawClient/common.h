#ifndef RAW_COMMON_H
#define RAW_COMMON_H

#include <librdkafka/rdkafka.h>
#include <stdint.h>

struct raw_result;

struct raw_clock {
    double start;
    double cpu_start;
};

double raw_now(void);
void raw_begin(struct raw_clock *clock);
void raw_end(const struct raw_clock *clock, int64_t messages, struct raw_result *result);

/// NULL when librdkafka takes an address amiss, which is printed.
rd_kafka_conf_t *raw_conf(const char *brokers);

/// Answers whether librdkafka took it; prints why not.
int raw_set(rd_kafka_conf_t *conf, const char *name, const char *value);

/// A consumer that has subscribed, and whose messages all come through one queue; NULL when there is none.
rd_kafka_t *raw_consumer(const char *brokers, const char *topic, const char *group, const char *reset);

#endif
