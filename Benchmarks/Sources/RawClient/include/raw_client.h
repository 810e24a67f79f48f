#ifndef RAW_CLIENT_H
#define RAW_CLIENT_H

#include <stdint.h>

/// What a run measured, from its first message to its last.
struct raw_result {
    int64_t messages;
    double seconds;
    /// Processor seconds of the whole process in that time.
    double cpu_seconds;
};

/// How messages are read.
enum raw_reading {
    /// rd_kafka_consume_batch_queue, up to 1,000 at a time.
    RAW_READING_BATCH,
    /// rd_kafka_consumer_poll, one at a time.
    RAW_READING_POLL,
};

/// How keys are spread over messages.
enum raw_keys {
    RAW_KEYS_UNIFORM,
    /// The n-th most frequent key comes 1/n times as often as the most frequent one.
    RAW_KEYS_ZIPF,
    RAW_KEYS_ONE,
    /// One after the other, so that each comes as often.
    RAW_KEYS_IN_TURN,
};

/// Writes `per_partition` messages of `size` bytes to each partition; `by_key` puts each key into one partition, so that
/// partitions get as many on average. Answers 0 or an error code of librdkafka.
int raw_fill(const char *brokers, const char *topic, int partitions, int64_t per_partition, int size, enum raw_keys keys,
             int key_count, int by_key);

/// Joins a group of its own and reads `messages` messages. Answers 0 or an error code of librdkafka.
int raw_drain(const char *brokers, const char *topic, const char *group, int64_t messages, enum raw_reading reading,
              struct raw_result *result);

/// Sends `messages` messages of `size` bytes under `key_count` keys with an idempotent producer and waits for their
/// delivery reports: after each `batch` messages, or at the end when that is 0. Answers 0 or an error code of librdkafka.
int raw_produce(const char *brokers, const char *topic, int64_t messages, int size, int key_count, int64_t batch,
                const char *linger, struct raw_result *result);

/// Keeps `outstanding` messages of `size` bytes under way, as that many callers who wait for one after the other would,
/// with no linger and at most `requests` requests in flight. Answers 0 or an error code of librdkafka.
int raw_callers(const char *brokers, const char *topic, int64_t messages, int size, int key_count, int outstanding,
                const char *requests, struct raw_result *result);

/// Sends `samples` messages of `size` bytes, without linger, each when the one before was acknowledged, and puts how many
/// seconds each took into `seconds`. Answers 0 or an error code of librdkafka.
int raw_latency(const char *brokers, const char *topic, int samples, int size, double *seconds);

/// Joins a group of its own, reads what there is, and then answers with the processor seconds it takes to wait for
/// `seconds` for more. Answers 0 or an error code of librdkafka.
int raw_idle(const char *brokers, const char *topic, const char *group, double seconds, double *cpu_seconds);

/// Joins a group of its own and calls `ask`, which has the group rebalance, `rounds` times. Puts into `seconds` how long
/// each took from the request for the partitions to their being given back, with one commit for each in between. Answers
/// 0 or an error code of librdkafka.
int raw_rebalance(const char *brokers, const char *topic, const char *group, int rounds, void (*ask)(void *),
                  void *argument, double *seconds);

/// Asks for allocations to be counted while something is measured. Nothing is counted where the C library is not GNU's.
void raw_want_allocations(void);

/// Counts the allocations of this process from now on, if that was asked for; more than once adds up.
void raw_begin_allocations(void);

/// Counts no more.
void raw_end_allocations(void);

/// How many there were.
int64_t raw_allocations(void);

/// The processor seconds this process has used so far.
double raw_cpu_seconds(void);

/// The most memory this process has had, in bytes.
int64_t raw_peak_memory(void);

/// The processor seconds of the processes that this one started, as far as they have ended.
double raw_children_cpu_seconds(void);

/// The most memory one of them had, in bytes.
int64_t raw_children_peak_memory(void);

#endif
